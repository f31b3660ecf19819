-- Facts: what is counted. No personal data; lives for years. One row per accepted event of the log.
-- Sorted by account first: the fence (L11) is also the fastest way in. A partition is a year: an insert goes into one
-- partition, and a range of events of any age must not become hundreds of inserts.
CREATE TABLE fact
(
    offset UInt64 CODEC(Delta, ZSTD),
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
    time DateTime64(6, 'UTC') ALIAS fromUnixTimestamp64Micro(time_us, 'UTC')
)
ENGINE = MergeTree
PARTITION BY toYear(fromUnixTimestamp64Micro(time_us, 'UTC'))
ORDER BY (account, time_us, offset)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;

-- Inspection: for looking into traffic. Personal data; erased by the account's retention without changing a cent.
CREATE TABLE inspection
(
    offset UInt64 CODEC(Delta, ZSTD),
    time_us Int64 CODEC(Delta, ZSTD),
    account LowCardinality(String),
    client_address Nullable(String),
    path Nullable(String),
    user_agent Nullable(String),
    referer Nullable(String)
)
ENGINE = MergeTree
PARTITION BY toYear(fromUnixTimestamp64Micro(time_us, 'UTC'))
ORDER BY (account, time_us, offset)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;

-- Ranges of the log, each written down before its rows are inserted, so that after a crash exactly the same
-- range is inserted again under the same tokens. [first, next) are log offsets.
CREATE TABLE projected_range
(
    first UInt64,
    next UInt64
)
ENGINE = MergeTree
ORDER BY first
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;
