-- Every decision about who owns what, which accounts are one, and what was split off; with who decided it and why.
create table ownership_decision (
  id bigint generated always as identity primary key,
  kind text not null check (kind in ('transfer', 'owner', 'merge', 'split')),
  decided_at timestamptz not null,
  -- The key that asked for it, and the person who decided. A plain transfer may come from a program: then it names nobody.
  key_id text not null check (key_id <> ''),
  author text check (author <> ''),
  reason text check (reason <> ''),
  accounts text[] collate "C" not null,
  endpoints text[] collate "C" not null,
  effective_from timestamptz not null,
  effective_to timestamptz,
  -- The ownerships that were taken away and added, and what else was done, as they were shown.
  document json not null,
  check ((author is null) = (reason is null)),
  check (kind = 'transfer' or author is not null)
);
create index ownership_decision_accounts on ownership_decision using gin (accounts);
create index ownership_decision_endpoints on ownership_decision using gin (endpoints);

-- From an instant on an account is another one. Once for each account; that there is no cycle is checked under a lock.
create table account_merge (
  account text collate "C" primary key references account (key),
  into_account text collate "C" not null references account (key),
  merged_at timestamptz not null,
  decision bigint not null references ownership_decision (id),
  check (account <> into_account)
);
create index account_merge_into on account_merge (into_account);

-- From an instant on, traffic of an endpoint that names the account is paid by the owner of the endpoint.
create table account_split (
  account text collate "C" not null references account (key),
  endpoint text collate "C" not null check (endpoint <> '' and octet_length(endpoint) <= 1024),
  split_at timestamptz not null,
  decision bigint not null references ownership_decision (id),
  primary key (account, endpoint, split_at)
);

create trigger ownership_decision_is_immutable before update or delete on ownership_decision
  for each row execute function refuse_change_of_history();
create trigger ownership_decision_is_not_truncated before truncate on ownership_decision
  for each statement execute function refuse_change_of_history();
create trigger account_merge_is_immutable before update or delete on account_merge
  for each row execute function refuse_change_of_history();
create trigger account_merge_is_not_truncated before truncate on account_merge
  for each statement execute function refuse_change_of_history();
create trigger account_split_is_immutable before update or delete on account_split
  for each row execute function refuse_change_of_history();
create trigger account_split_is_not_truncated before truncate on account_split
  for each statement execute function refuse_change_of_history();
