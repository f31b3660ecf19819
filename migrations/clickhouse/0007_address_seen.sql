-- When an address was first and last seen is asked by the address, which is no part of the order of rows.
ALTER TABLE inspection ADD INDEX IF NOT EXISTS client_address_seen client_address TYPE bloom_filter(0.01) GRANULARITY 4;
