-- Every registration of a source as it was, the newest being the one in `source`: to expect less of a source can make
-- a silent month complete, so who decided that, when and why is kept for ever.
create table source_version (
  source text collate "C" not null references source (name),
  version integer not null check (version >= 1),
  kind text not null,
  owner text not null,
  carries text[],
  checkpoint_seconds integer,
  expected_from timestamptz not null,
  retired_at timestamptz,
  registered_at timestamptz not null,
  -- Named where less is expected than before.
  decided_by text check (decided_by <> ''),
  reason text check (reason <> ''),
  primary key (source, version)
);
insert into source_version (source, version, kind, owner, carries, checkpoint_seconds, expected_from, retired_at, registered_at)
select name, 1, kind, owner, carries, checkpoint_seconds, expected_from, retired_at, registered_at from source;
