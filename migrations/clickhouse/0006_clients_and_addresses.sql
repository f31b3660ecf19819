-- What software was at the other end, and what was known of its address when the event came in. The address itself
-- stays in `inspection`.
ALTER TABLE fact ADD COLUMN IF NOT EXISTS client LowCardinality(Nullable(String)) AFTER started_us;

ALTER TABLE fact ADD COLUMN IF NOT EXISTS client_version LowCardinality(Nullable(String)) AFTER client;

ALTER TABLE fact ADD COLUMN IF NOT EXISTS country LowCardinality(Nullable(String)) AFTER client_version;

ALTER TABLE fact ADD COLUMN IF NOT EXISTS asn Nullable(UInt64) AFTER country;

ALTER TABLE fact ADD COLUMN IF NOT EXISTS ip_categories LowCardinality(Nullable(String)) AFTER asn;

ALTER TABLE fact ADD COLUMN IF NOT EXISTS ip_version LowCardinality(Nullable(String)) AFTER ip_categories;

ALTER TABLE staged_fact ADD COLUMN IF NOT EXISTS client LowCardinality(Nullable(String)) AFTER started_us;

ALTER TABLE staged_fact ADD COLUMN IF NOT EXISTS client_version LowCardinality(Nullable(String)) AFTER client;

ALTER TABLE staged_fact ADD COLUMN IF NOT EXISTS country LowCardinality(Nullable(String)) AFTER client_version;

ALTER TABLE staged_fact ADD COLUMN IF NOT EXISTS asn Nullable(UInt64) AFTER country;

ALTER TABLE staged_fact ADD COLUMN IF NOT EXISTS ip_categories LowCardinality(Nullable(String)) AFTER asn;

ALTER TABLE staged_fact ADD COLUMN IF NOT EXISTS ip_version LowCardinality(Nullable(String)) AFTER ip_categories;
