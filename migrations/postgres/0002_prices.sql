-- Plans with immutable versions, who is subscribed to which plan when, and the plan of everybody else.

create table plan (
  key text collate "C" primary key check (key ~ '^[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,127}$')
);

create table plan_version (
  plan text collate "C" not null references plan (key),
  version integer not null check (version >= 1),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  effective_from timestamptz not null,
  published_at timestamptz not null,
  -- The terms as JSON, in the text that was published: json keeps it byte for byte, jsonb would not.
  terms json not null,
  primary key (plan, version)
);
create index plan_version_effective on plan_version (plan, effective_from desc, version desc);

-- Half-open: the account is under the plan from `starts_at` up to, and not at, `ends_at`. Null: until further notice.
create table subscription (
  id bigint generated always as identity primary key,
  account text collate "C" not null references account (key),
  plan text collate "C" not null references plan (key),
  starts_at timestamptz not null,
  ends_at timestamptz,
  check (ends_at > starts_at),
  constraint subscription_once exclude using gist (account with =, tstzrange(starts_at, ends_at) with &&)
);

-- What accounts without a subscription are priced under, from which instant on; the newest decision holds.
create table default_plan (
  id bigint generated always as identity primary key,
  -- Null: from then on there is no default plan.
  plan text collate "C" references plan (key),
  effective_from timestamptz not null,
  decided_at timestamptz not null,
  decided_by text not null check (decided_by <> '')
);
create index default_plan_effective on default_plan (effective_from desc, id desc);

-- Invoices name the version they were priced with; were it to change, they could not be explained any more (L5, L10).
create function refuse_change_of_history() returns trigger language plpgsql as $$
begin
  raise exception '% is history: it is added to, never changed or deleted', tg_table_name
    using errcode = 'integrity_constraint_violation';
end $$;

create trigger plan_version_is_immutable before update or delete on plan_version
  for each row execute function refuse_change_of_history();
create trigger plan_version_is_not_truncated before truncate on plan_version
  for each statement execute function refuse_change_of_history();
create trigger default_plan_is_immutable before update or delete on default_plan
  for each row execute function refuse_change_of_history();
create trigger default_plan_is_not_truncated before truncate on default_plan
  for each statement execute function refuse_change_of_history();
