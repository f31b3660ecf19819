-- Corrections: one row for each correction of the log. The version `supersedes` (an offset of `fact`) is not counted
-- in an answer that sees the correction's own offset. Account and time are those of the superseded version, so that
-- the same fence and the same period find both.
CREATE TABLE correction
(
    offset UInt64 CODEC(Delta, ZSTD),
    ingested_us Int64 CODEC(Delta, ZSTD),
    kind LowCardinality(String),
    supersedes UInt64,
    account LowCardinality(String),
    time_us Int64 CODEC(Delta, ZSTD),
    author LowCardinality(String),
    reason String
)
ENGINE = MergeTree
PARTITION BY toYear(fromUnixTimestamp64Micro(time_us, 'UTC'))
ORDER BY (account, time_us, supersedes)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;

-- Cumulative counters: the value of a counter at a time, and since when it counts.
ALTER TABLE fact ADD COLUMN IF NOT EXISTS value Nullable(UInt64) AFTER attributes;

ALTER TABLE fact ADD COLUMN IF NOT EXISTS started_us Nullable(Int64) AFTER value;
