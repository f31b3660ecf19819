-- Events that a backfill job has loaded and that nobody counts yet: the columns of `fact`, and what is needed to append
-- them to the log when the job is closed. A job is a partition, which is dropped when the job is over.
CREATE TABLE staged_fact
(
    job LowCardinality(String),
    load LowCardinality(String),
    line UInt32,
    ingested_us Int64 CODEC(Delta, ZSTD),
    account LowCardinality(String),
    source LowCardinality(String),
    id String,
    epoch LowCardinality(String),
    seq Nullable(UInt64),
    kind LowCardinality(String),
    phase LowCardinality(String),
    time_us Int64 CODEC(Delta, ZSTD),
    recorded_us Nullable(Int64),
    given_account LowCardinality(Nullable(String)),
    endpoint LowCardinality(Nullable(String)),
    session Nullable(String),
    protocol LowCardinality(Nullable(String)),
    region LowCardinality(Nullable(String)),
    leg LowCardinality(String),
    method LowCardinality(Nullable(String)),
    status Nullable(UInt16),
    bytes_out_wire Nullable(UInt64),
    bytes_out_body Nullable(UInt64),
    bytes_in_wire Nullable(UInt64),
    bytes_in_body Nullable(UInt64),
    duration_us Nullable(UInt64),
    name LowCardinality(Nullable(String)),
    quantity Nullable(Decimal(76, 18)),
    attributes Map(LowCardinality(String), String),
    value Nullable(UInt64),
    started_us Nullable(Int64),
    fact_text String,
    inspection_text Nullable(String)
)
ENGINE = MergeTree
PARTITION BY job
ORDER BY (load, line)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;
