-- How many shards there are. What was counted before is of layout 1; no shard yet means that the first receiver begins.
CREATE TABLE IF NOT EXISTS shard_layout (
  id INTEGER NOT NULL PRIMARY KEY,
  epoch INTEGER NOT NULL,
  shard_count INTEGER NOT NULL,
  previous_shard_count INTEGER NOT NULL,
  wanted_shard_count INTEGER NOT NULL
) STRICT;

INSERT OR IGNORE INTO shard_layout (id, epoch, shard_count, previous_shard_count, wanted_shard_count)
  SELECT 1, 1, COALESCE(((MAX(o.shard) / n.database_total) + 1) * n.database_total, 0), 0, COALESCE(((MAX(o.shard) / n.database_total) + 1) * n.database_total, 0)
  FROM (SELECT COALESCE(MAX(database_count), 1) AS database_total FROM database_place) n LEFT JOIN ingest_offset o ON 1 = 1
  GROUP BY n.database_total;

-- when no column exists: ingest_offset.layout
ALTER TABLE ingest_offset ADD COLUMN layout INTEGER NOT NULL DEFAULT 1;
-- when no column exists: ingest_offset.finished
ALTER TABLE ingest_offset ADD COLUMN finished INTEGER NOT NULL DEFAULT 0;

-- The shards that a smaller layout does without: their logs are numbered on from here when they come back.
CREATE TABLE IF NOT EXISTS retired_offset (
  shard INTEGER NOT NULL PRIMARY KEY,
  generation INTEGER NOT NULL,
  last_id TEXT NOT NULL,
  commits INTEGER NOT NULL,
  log_identity TEXT
) STRICT;

-- Who owns a slot reads and deletes its rows, whichever shard wrote them.
CREATE INDEX IF NOT EXISTS ingest_ledger_slot ON ingest_ledger (slot, received_at);
