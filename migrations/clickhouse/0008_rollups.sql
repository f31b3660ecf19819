-- Which clock hours the events and corrections of a range lie in; [-1]: written down before this was noted, so any hour.
ALTER TABLE projected_range ADD COLUMN IF NOT EXISTS hours Array(Int64) DEFAULT [-1] AFTER next;

-- The same by hour, condensed from time to time: in the hour lie events or corrections of the offsets [first, next).
CREATE TABLE touched_hour
(
    hour_us Int64,
    first UInt64,
    next UInt64
)
ENGINE = MergeTree
ORDER BY (hour_us, next)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;

-- Below which offset `touched_hour` says everything.
CREATE TABLE touched_until
(
    next UInt64
)
ENGINE = MergeTree
ORDER BY next
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;

-- A meter's usage of a clock hour by account; `definition` is a hash of what is measured, of which events. Rows of a
-- generation count only when `rolled_hour` names it: what an interruption left behind is never read.
CREATE TABLE rollup
(
    meter LowCardinality(String),
    meter_version UInt32,
    definition UInt64,
    account LowCardinality(String),
    hour_us Int64 CODEC(Delta, ZSTD),
    generation UInt64 CODEC(Delta, ZSTD),
    events UInt64,
    without UInt64,
    amount Nullable(Decimal(76, 18)) CODEC(ZSTD),
    at_us Int64 CODEC(ZSTD),
    at_offset UInt64 CODEC(ZSTD)
)
ENGINE = MergeTree
PARTITION BY toYear(fromUnixTimestamp64Micro(hour_us, 'UTC'))
ORDER BY (meter, meter_version, definition, account, hour_us, generation)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;

-- Versions of rolled hours: true for the log below an offset, and equal to a recount from the events when they were made.
CREATE TABLE rolled_hour
(
    meter LowCardinality(String),
    meter_version UInt32,
    definition UInt64,
    hour_us Int64,
    below UInt64,
    generation UInt64,
    accounts UInt64,
    digest UInt64,
    rolled_us Int64
)
ENGINE = MergeTree
ORDER BY (meter, meter_version, definition, hour_us, below)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;
