-- How many shards there are. What was counted before is of layout 1; no shard yet means that the first receiver begins.
CREATE TABLE IF NOT EXISTS shard_layout (
  id INT NOT NULL,
  epoch BIGINT NOT NULL,
  shard_count INT NOT NULL,
  previous_shard_count INT NOT NULL,
  wanted_shard_count INT NOT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT IGNORE INTO shard_layout (id, epoch, shard_count, previous_shard_count, wanted_shard_count)
  SELECT 1, 1, COALESCE((FLOOR(MAX(o.shard) / n.database_total) + 1) * n.database_total, 0), 0, COALESCE((FLOOR(MAX(o.shard) / n.database_total) + 1) * n.database_total, 0)
  FROM (SELECT COALESCE(MAX(database_count), 1) AS database_total FROM database_place) n LEFT JOIN ingest_offset o ON 1 = 1
  GROUP BY n.database_total;

-- when no column exists: ingest_offset.layout
ALTER TABLE ingest_offset
  ADD COLUMN layout BIGINT NOT NULL DEFAULT 1,
  ADD COLUMN finished TINYINT NOT NULL DEFAULT 0;

-- The shards that a smaller layout does without: their logs are numbered on from here when they come back.
CREATE TABLE IF NOT EXISTS retired_offset (
  shard INT NOT NULL,
  generation BIGINT NOT NULL,
  last_id VARCHAR(64) NOT NULL,
  commits BIGINT NOT NULL,
  log_identity VARCHAR(255) NULL,
  PRIMARY KEY (shard)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Who owns a slot reads and deletes its rows, whichever shard wrote them.
-- when no index exists: ingest_ledger.ingest_ledger_slot
ALTER TABLE ingest_ledger ADD KEY ingest_ledger_slot (slot, received_at);
