-- Add-ons and coupons with immutable versions, like plans: invoices name the version that they were priced with.

create table add_on (
  key text collate "C" primary key check (key ~ '^[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,127}$')
);

create table add_on_version (
  add_on text collate "C" not null references add_on (key),
  version integer not null check (version >= 1),
  effective_from timestamptz not null,
  published_at timestamptz not null,
  -- As published: json keeps the text byte for byte.
  terms json not null,
  primary key (add_on, version)
);

create table coupon (
  key text collate "C" primary key check (key ~ '^[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,127}$')
);

create table coupon_version (
  coupon text collate "C" not null references coupon (key),
  version integer not null check (version >= 1),
  effective_from timestamptz not null,
  published_at timestamptz not null,
  terms json not null,
  primary key (coupon, version)
);

create trigger add_on_version_is_immutable before update or delete on add_on_version
  for each row execute function refuse_change_of_history();
create trigger add_on_version_is_not_truncated before truncate on add_on_version
  for each statement execute function refuse_change_of_history();
create trigger coupon_version_is_immutable before update or delete on coupon_version
  for each row execute function refuse_change_of_history();
create trigger coupon_version_is_not_truncated before truncate on coupon_version
  for each statement execute function refuse_change_of_history();
