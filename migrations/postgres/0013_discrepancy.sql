-- Two counts of one thing that differ. Found once, it stays open until a named person has resolved it.
create table discrepancy (
  id bigint generated always as identity primary key,
  -- What was compared, such as rolled_hour.
  kind text not null check (kind <> ''),
  -- Which thing was counted twice: one open row for each.
  subject text not null check (subject <> ''),
  expected text not null,
  found text not null,
  message text not null,
  found_at timestamptz not null,
  last_found_at timestamptz not null,
  resolved_at timestamptz,
  resolved_by text check (resolved_by <> ''),
  reason text check (reason <> ''),
  check ((resolved_at is null) = (resolved_by is null)),
  check ((resolved_at is null) = (reason is null))
);
create unique index discrepancy_open on discrepancy (kind, subject) where resolved_at is null;
