-- Meter definitions. A version is never changed or removed: an invoice names the version it was counted by.
create table meter (
  key text not null,
  version integer not null check (version >= 1),
  definition jsonb not null,
  created_at timestamptz not null,
  primary key (key, version)
);

create function refuse_meter_change() returns trigger language plpgsql as $$
begin
  raise exception 'a meter version is immutable; create a new version of meter % instead', old.key using errcode = 'integrity_constraint_violation';
end
$$;

create trigger meter_is_immutable before update or delete on meter
  for each row execute function refuse_meter_change();
