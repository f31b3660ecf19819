-- Accounts, the endpoints they own over time, API keys, and the answers kept for repeated writes.
-- Keys are compared by their bytes (collation "C") on every server, so that pages and locks have one order.

create extension if not exists btree_gist;

-- What an account gets when traffic mentions it before anybody described it. One row.
create table installation (
  singleton boolean primary key default true check (singleton),
  default_time_zone text not null default 'UTC',
  default_currency text not null default 'USD' check (default_currency ~ '^[A-Z]{3}$')
);
insert into installation default values;

create table account (
  key text collate "C" primary key check (key ~ '^[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,127}$'),
  name text not null check (name <> ''),
  time_zone text not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  -- False for traffic that nobody owns: it is counted and shown, and never invoiced.
  billable boolean not null default true,
  created_at timestamptz not null,
  -- When traffic first named the account; null until it does.
  first_seen timestamptz
);
insert into account (key, name, time_zone, currency, billable, created_at)
select 'unattributed', 'Unattributed traffic', default_time_zone, default_currency, false, '1970-01-01T00:00:00Z'
from installation;

create table endpoint_ownership (
  endpoint text collate "C" not null check (endpoint <> '' and octet_length(endpoint) <= 1024),
  account text collate "C" not null references account (key),
  -- Half-open: the owner at `valid_to` is the next one. Null: until further notice.
  valid_from timestamptz not null,
  valid_to timestamptz,
  check (valid_to > valid_from),
  constraint endpoint_ownership_once exclude using gist (endpoint with =, tstzrange(valid_from, valid_to) with &&)
);
create index endpoint_ownership_account on endpoint_ownership (account, endpoint);

create table api_key (
  id text collate "C" primary key,
  name text not null check (name <> ''),
  -- The key itself is shown once and never stored.
  sha256 bytea not null unique check (octet_length(sha256) = 32),
  scopes text[] not null check (
    cardinality(scopes) > 0
    and scopes <@ array['events:write', 'usage:read', 'billing:read', 'billing:write', 'admin']
  ),
  -- A customer's key: it sees this account and no other.
  account text collate "C" references account (key),
  created_at timestamptz not null,
  expires_at timestamptz,
  revoked_at timestamptz,
  constraint api_key_admin_is_not_a_customers check (account is null or not 'admin' = any (scopes))
);

create sequence idempotency_attempt;

-- The first answer to a write, given again when the same write is repeated.
create table idempotency (
  principal text collate "C" not null,
  key text collate "C" not null check (key <> '' and octet_length(key) <= 255),
  route text not null,
  body_sha256 bytea not null check (octet_length(body_sha256) = 32),
  -- No two claims have the same, so whoever was overtaken cannot complete any more.
  attempt bigint not null default nextval('idempotency_attempt'),
  claimed_at timestamptz not null,
  completed_at timestamptz,
  status integer,
  response text,
  primary key (principal, key),
  check ((completed_at is null) = (status is null) and (completed_at is null) = (response is null))
);
create index idempotency_age on idempotency (claimed_at);
