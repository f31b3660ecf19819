-- What is expected of a source of events: who runs it, whose traffic it can carry, how often it says that it is
-- complete. A source that nobody registered may still send; nothing is expected of it.
create table source (
  name text collate "C" primary key check (name <> '' and octet_length(name) <= 1024),
  kind text not null check (kind in ('edge', 'file', 'service', 'other')),
  -- The person or team to ask when it is silent.
  owner text not null check (owner <> ''),
  -- Accounts whose traffic it can carry; null: anybody's.
  carries text[] check (cardinality(carries) > 0),
  -- It is silent when its last checkpoint is older than this. Null: no checkpoints are expected.
  checkpoint_seconds integer check (checkpoint_seconds between 1 and 31536000),
  registered_at timestamptz not null,
  -- From when on traffic can have come from it, and until when.
  expected_from timestamptz not null,
  retired_at timestamptz check (retired_at > expected_from)
);
