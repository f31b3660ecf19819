-- A job may bring back events that were retracted, for example by the revert of an earlier job. Asked for when the job
-- is opened, because a retraction is somebody's decision that no file undoes by itself.
alter table backfill
  add column restores boolean not null default false,
  -- When it was closed: how many events were stored under identities that are retracted.
  add column found_retracted bigint;
