-- Addresses are compared as what they mean, not as senders spell them.
ALTER TABLE inspection ADD INDEX IF NOT EXISTS client_address_meant toIPv6OrNull(client_address) TYPE bloom_filter(0.01) GRANULARITY 4;
ALTER TABLE inspection DROP INDEX IF EXISTS client_address_seen;
