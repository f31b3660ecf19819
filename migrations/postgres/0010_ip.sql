-- What is known of addresses, in versions. A source is one list or database as it was taken in; it is kept in its own
-- form, so that any version can be compiled again on any machine. Nothing here is ever changed or deleted.
create table ip_source (
  id integer generated always as identity primary key,
  name text collate "C" not null check (name ~ '^[a-z0-9][a-z0-9._-]{0,63}$'),
  origin text not null check (origin in ('embedded', 'supplied')),
  form text not null,
  version text not null check (version <> ''),
  about text not null,
  networks integer not null,
  says text[] not null,
  -- Of the file as it came; null for what is embedded.
  file_sha256 text,
  file_bytes bigint,
  taken_at timestamptz not null,
  taken_by text not null check (taken_by <> ''),
  sha256 text not null,
  content bytea not null,
  unique (origin, name, version, form, sha256)
);
-- It is compressed already.
alter table ip_source alter column content set storage external;

-- In force from an instant until the next one is.
create table ip_version (
  number integer primary key check (number >= 1),
  in_force_from timestamptz not null unique,
  change text not null check (change <> ''),
  decided_by text not null check (decided_by <> '')
);

-- What a version is made of; the source in the first place precedes.
create table ip_version_source (
  version integer not null references ip_version (number),
  place integer not null check (place >= 0),
  source integer not null references ip_source (id),
  primary key (version, place),
  unique (version, source)
);
