DROP INDEX IF EXISTS ingest_ledger_slot;
DROP TABLE IF EXISTS retired_offset;
-- when column exists: ingest_offset.layout
ALTER TABLE ingest_offset DROP COLUMN layout;
-- when column exists: ingest_offset.finished
ALTER TABLE ingest_offset DROP COLUMN finished;
DROP TABLE IF EXISTS shard_layout;
