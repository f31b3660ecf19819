-- The sample company of a first start: when it was made and whether all of its traffic has been sent, so that
-- a start that was cut short is finished by the next one. At most one row.
create table sample (
  seed bigint not null,
  made_at timestamptz not null,
  done boolean not null
);
create unique index sample_is_one on sample ((true));
