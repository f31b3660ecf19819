-- The name of the log that this store is made of: one row, written when the store is opened for the first time. Another
-- log with as many events would look the same otherwise. The token of the row is fixed, so that the first name holds.
CREATE TABLE log_name
(
    name String
)
ENGINE = MergeTree
ORDER BY name
SETTINGS non_replicated_deduplication_window = 100, fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;
