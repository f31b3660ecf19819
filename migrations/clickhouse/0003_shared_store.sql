-- A store on a server can be read by processes that do not fill it, and for a moment two may try to fill it.
-- A range is claimed by its first offset: the token of a second claim of the same offset is dropped, so that there is
-- one range that begins there, and whoever lost reads it and does the same.
ALTER TABLE projected_range MODIFY SETTING non_replicated_deduplication_window = 10000;

-- Ranges whose rows are all in. Written only where the store is on a server: others read their position from it.
CREATE TABLE finished_range
(
    first UInt64,
    next UInt64
)
ENGINE = MergeTree
ORDER BY next
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;
