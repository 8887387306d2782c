-- when index exists: ingest_ledger.ingest_ledger_slot
ALTER TABLE ingest_ledger DROP KEY ingest_ledger_slot;

DROP TABLE IF EXISTS retired_offset;

-- when column exists: ingest_offset.layout
ALTER TABLE ingest_offset DROP COLUMN layout, DROP COLUMN finished;

DROP TABLE IF EXISTS shard_layout;
