-- Backfill jobs: events that are too old for the ordinary door, or that somebody wants to look at before they count.
-- The events themselves lie in the event store (staged_fact) until the job is over, and in the log from then on.

create table backfill (
  id text collate "C" primary key,
  source text collate "C" not null,
  period_from timestamptz not null,
  period_to timestamptz not null check (period_to > period_from),
  state text not null check (state in ('open', 'closing', 'closed', 'discarded', 'reverting', 'reverted')),
  opened_by text not null check (opened_by <> ''),
  reason text not null check (reason <> ''),
  opened_at timestamptz not null,
  -- What was found when it was closed: how many events were new, stored already, or stored with other content.
  found_new bigint,
  found_duplicates bigint,
  found_conflicts bigint,
  -- Why a job that is closing or reverting does not get on; null when it does.
  trouble text
);

-- Every decision about a job, in order. Never changed.
create table backfill_decision (
  id bigint generated always as identity primary key,
  job text collate "C" not null references backfill (id),
  command text not null check (command in ('open', 'close', 'discard', 'revert')),
  decided_by text not null check (decided_by <> ''),
  reason text not null check (reason <> ''),
  at timestamptz not null
);

-- A load is known by its content, so that the same file again is the same load. What was never finished is not here.
create table backfill_load (
  job text collate "C" not null references backfill (id),
  number integer not null check (number >= 1),
  content text collate "C" not null,
  events bigint not null check (events >= 0),
  loaded_at timestamptz not null,
  primary key (job, number),
  unique (job, content)
);

-- What a closing job appended to the log, batch by batch. A batch is written down before it is appended; until its
-- result is known, the log is looked through from `log_end` on for what became of it.
create table backfill_batch (
  job text collate "C" not null references backfill (id),
  number integer not null check (number >= 1),
  log_end bigint not null check (log_end >= 0),
  first_offset bigint,
  accepted bigint,
  primary key (job, number),
  check ((first_offset is null) = (accepted is null))
);
