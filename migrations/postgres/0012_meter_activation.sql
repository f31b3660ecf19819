-- Versions of meters begin as drafts or active. A draft may be changed and removed, and is never billed. The version that
-- was activated last is the one that counts; what was active once never changes, because an invoice may name it.

create table meter_activation (
  id bigint generated always as identity primary key,
  meter text not null,
  version integer not null,
  activated_at timestamptz not null,
  activated_by text not null check (activated_by <> ''),
  foreign key (meter, version) references meter (key, version)
);
create index meter_activation_newest on meter_activation (meter, id desc);

-- Every version that exists was active from the moment it was added, in the order of the numbers.
insert into meter_activation (meter, version, activated_at, activated_by)
select key, version, created_at, 'before there were drafts' from meter order by key, version;

create or replace function refuse_meter_change() returns trigger language plpgsql as $$
begin
  if exists (select from meter_activation a where a.meter = old.key and a.version = old.version) then
    raise exception 'a meter version is immutable; create a new version of meter % instead', old.key using errcode = 'integrity_constraint_violation';
  end if;
  if tg_op = 'DELETE' then return old; end if;
  if (new.key, new.version) is distinct from (old.key, old.version) then
    raise exception 'a draft of meter % keeps its key and its number', old.key using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;

-- A draft that is being changed at this moment is activated as it is afterwards, or not changed any more.
create function lock_activated_meter() returns trigger language plpgsql as $$
begin
  perform from meter where key = new.meter and version = new.version for update;
  return new;
end
$$;
create trigger meter_activation_locks before insert on meter_activation
  for each row execute function lock_activated_meter();

create trigger meter_activation_is_immutable before update or delete on meter_activation
  for each row execute function refuse_change_of_history();
create trigger meter_activation_is_not_truncated before truncate on meter_activation
  for each statement execute function refuse_change_of_history();

-- Whether a meter is shown in lists; the newest decision holds. What it counted stays to be asked.
create table meter_archival (
  id bigint generated always as identity primary key,
  meter text not null,
  archived boolean not null,
  decided_at timestamptz not null,
  decided_by text not null check (decided_by <> ''),
  reason text not null check (reason <> '')
);
create index meter_archival_newest on meter_archival (meter, id desc);

create trigger meter_archival_is_immutable before update or delete on meter_archival
  for each row execute function refuse_change_of_history();
create trigger meter_archival_is_not_truncated before truncate on meter_archival
  for each statement execute function refuse_change_of_history();
