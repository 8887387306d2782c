-- The tables of the totals, of the exactly-once state and of the alerts, for SQLite.
-- Times are whole seconds since the Unix epoch, UTC. Seconds with three decimals are kept as whole
-- milliseconds: SQLite has no decimal type.

CREATE TABLE IF NOT EXISTS series (
  series_id INTEGER NOT NULL,
  protocol TEXT NOT NULL,
  namespace TEXT NOT NULL,
  service TEXT NOT NULL,
  environment TEXT NOT NULL,
  side TEXT NOT NULL,
  method TEXT NOT NULL,
  route TEXT NOT NULL,
  status_code INTEGER NOT NULL,
  meeting_id TEXT NOT NULL,
  participant_id TEXT NOT NULL,
  PRIMARY KEY (series_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS series_service ON series (service, environment);
CREATE INDEX IF NOT EXISTS series_meeting ON series (meeting_id, participant_id);

-- Kept 48 hours.
CREATE TABLE IF NOT EXISTS metrics_minute (
  series_id INTEGER NOT NULL,
  bucket_start INTEGER NOT NULL,
  protocol TEXT NOT NULL,
  latency_count INTEGER NOT NULL DEFAULT 0,
  latency_error_count INTEGER NOT NULL DEFAULT 0,
  request_body_count INTEGER NOT NULL DEFAULT 0,
  request_body_error_count INTEGER NOT NULL DEFAULT 0,
  response_body_count INTEGER NOT NULL DEFAULT 0,
  response_body_error_count INTEGER NOT NULL DEFAULT 0,
  bytes_in INTEGER NOT NULL DEFAULT 0,
  bytes_out INTEGER NOT NULL DEFAULT 0,
  wire_bytes_in INTEGER NOT NULL DEFAULT 0,
  wire_bytes_out INTEGER NOT NULL DEFAULT 0,
  connection_bytes_in INTEGER NOT NULL DEFAULT 0,
  connection_bytes_out INTEGER NOT NULL DEFAULT 0,
  latency_sum_seconds REAL NOT NULL DEFAULT 0,
  connected_millis INTEGER NOT NULL DEFAULT 0,
  connected_seconds REAL GENERATED ALWAYS AS (connected_millis / 1000.0) VIRTUAL,
  relay_millis INTEGER NOT NULL DEFAULT 0,
  relay_seconds REAL GENERATED ALWAYS AS (relay_millis / 1000.0) VIRTUAL,
  relay_bytes INTEGER NOT NULL DEFAULT 0,
  relay_cost_nanos INTEGER NOT NULL DEFAULT 0,
  packets_in INTEGER NOT NULL DEFAULT 0,
  packets_out INTEGER NOT NULL DEFAULT 0,
  packets_lost_in INTEGER NOT NULL DEFAULT 0,
  packets_lost_out INTEGER NOT NULL DEFAULT 0,
  jitter_count INTEGER NOT NULL DEFAULT 0,
  jitter_sum_seconds REAL NOT NULL DEFAULT 0,
  freeze_millis INTEGER NOT NULL DEFAULT 0,
  freeze_seconds REAL GENERATED ALWAYS AS (freeze_millis / 1000.0) VIRTUAL,
  frames INTEGER NOT NULL DEFAULT 0,
  frames_dropped INTEGER NOT NULL DEFAULT 0,
  quality_excellent_millis INTEGER NOT NULL DEFAULT 0,
  quality_excellent_seconds REAL GENERATED ALWAYS AS (quality_excellent_millis / 1000.0) VIRTUAL,
  quality_good_millis INTEGER NOT NULL DEFAULT 0,
  quality_good_seconds REAL GENERATED ALWAYS AS (quality_good_millis / 1000.0) VIRTUAL,
  quality_fair_millis INTEGER NOT NULL DEFAULT 0,
  quality_fair_seconds REAL GENERATED ALWAYS AS (quality_fair_millis / 1000.0) VIRTUAL,
  quality_poor_millis INTEGER NOT NULL DEFAULT 0,
  quality_poor_seconds REAL GENERATED ALWAYS AS (quality_poor_millis / 1000.0) VIRTUAL,
  quality_unknown_millis INTEGER NOT NULL DEFAULT 0,
  quality_unknown_seconds REAL GENERATED ALWAYS AS (quality_unknown_millis / 1000.0) VIRTUAL,
  latency_histogram TEXT NOT NULL,
  requests INTEGER GENERATED ALWAYS AS (MAX(latency_count, request_body_count, response_body_count)) VIRTUAL,
  errors INTEGER
    GENERATED ALWAYS AS (MAX(latency_error_count, request_body_error_count, response_body_error_count)) VIRTUAL,
  relay_cost REAL GENERATED ALWAYS AS (relay_cost_nanos / 1e9) VIRTUAL,
  PRIMARY KEY (series_id, bucket_start)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS metrics_minute_bucket ON metrics_minute (bucket_start);

-- Kept 400 days.
CREATE TABLE IF NOT EXISTS metrics_hourly (
  series_id INTEGER NOT NULL,
  bucket_start INTEGER NOT NULL,
  protocol TEXT NOT NULL,
  latency_count INTEGER NOT NULL DEFAULT 0,
  latency_error_count INTEGER NOT NULL DEFAULT 0,
  request_body_count INTEGER NOT NULL DEFAULT 0,
  request_body_error_count INTEGER NOT NULL DEFAULT 0,
  response_body_count INTEGER NOT NULL DEFAULT 0,
  response_body_error_count INTEGER NOT NULL DEFAULT 0,
  bytes_in INTEGER NOT NULL DEFAULT 0,
  bytes_out INTEGER NOT NULL DEFAULT 0,
  wire_bytes_in INTEGER NOT NULL DEFAULT 0,
  wire_bytes_out INTEGER NOT NULL DEFAULT 0,
  connection_bytes_in INTEGER NOT NULL DEFAULT 0,
  connection_bytes_out INTEGER NOT NULL DEFAULT 0,
  latency_sum_seconds REAL NOT NULL DEFAULT 0,
  connected_millis INTEGER NOT NULL DEFAULT 0,
  connected_seconds REAL GENERATED ALWAYS AS (connected_millis / 1000.0) VIRTUAL,
  relay_millis INTEGER NOT NULL DEFAULT 0,
  relay_seconds REAL GENERATED ALWAYS AS (relay_millis / 1000.0) VIRTUAL,
  relay_bytes INTEGER NOT NULL DEFAULT 0,
  relay_cost_nanos INTEGER NOT NULL DEFAULT 0,
  packets_in INTEGER NOT NULL DEFAULT 0,
  packets_out INTEGER NOT NULL DEFAULT 0,
  packets_lost_in INTEGER NOT NULL DEFAULT 0,
  packets_lost_out INTEGER NOT NULL DEFAULT 0,
  jitter_count INTEGER NOT NULL DEFAULT 0,
  jitter_sum_seconds REAL NOT NULL DEFAULT 0,
  freeze_millis INTEGER NOT NULL DEFAULT 0,
  freeze_seconds REAL GENERATED ALWAYS AS (freeze_millis / 1000.0) VIRTUAL,
  frames INTEGER NOT NULL DEFAULT 0,
  frames_dropped INTEGER NOT NULL DEFAULT 0,
  quality_excellent_millis INTEGER NOT NULL DEFAULT 0,
  quality_excellent_seconds REAL GENERATED ALWAYS AS (quality_excellent_millis / 1000.0) VIRTUAL,
  quality_good_millis INTEGER NOT NULL DEFAULT 0,
  quality_good_seconds REAL GENERATED ALWAYS AS (quality_good_millis / 1000.0) VIRTUAL,
  quality_fair_millis INTEGER NOT NULL DEFAULT 0,
  quality_fair_seconds REAL GENERATED ALWAYS AS (quality_fair_millis / 1000.0) VIRTUAL,
  quality_poor_millis INTEGER NOT NULL DEFAULT 0,
  quality_poor_seconds REAL GENERATED ALWAYS AS (quality_poor_millis / 1000.0) VIRTUAL,
  quality_unknown_millis INTEGER NOT NULL DEFAULT 0,
  quality_unknown_seconds REAL GENERATED ALWAYS AS (quality_unknown_millis / 1000.0) VIRTUAL,
  latency_histogram TEXT NOT NULL,
  requests INTEGER GENERATED ALWAYS AS (MAX(latency_count, request_body_count, response_body_count)) VIRTUAL,
  errors INTEGER
    GENERATED ALWAYS AS (MAX(latency_error_count, request_body_error_count, response_body_error_count)) VIRTUAL,
  relay_cost REAL GENERATED ALWAYS AS (relay_cost_nanos / 1e9) VIRTUAL,
  PRIMARY KEY (series_id, bucket_start)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS metrics_hourly_bucket ON metrics_hourly (bucket_start);

-- Kept for ever.
CREATE TABLE IF NOT EXISTS metrics_daily (
  series_id INTEGER NOT NULL,
  bucket_start INTEGER NOT NULL,
  protocol TEXT NOT NULL,
  latency_count INTEGER NOT NULL DEFAULT 0,
  latency_error_count INTEGER NOT NULL DEFAULT 0,
  request_body_count INTEGER NOT NULL DEFAULT 0,
  request_body_error_count INTEGER NOT NULL DEFAULT 0,
  response_body_count INTEGER NOT NULL DEFAULT 0,
  response_body_error_count INTEGER NOT NULL DEFAULT 0,
  bytes_in INTEGER NOT NULL DEFAULT 0,
  bytes_out INTEGER NOT NULL DEFAULT 0,
  wire_bytes_in INTEGER NOT NULL DEFAULT 0,
  wire_bytes_out INTEGER NOT NULL DEFAULT 0,
  connection_bytes_in INTEGER NOT NULL DEFAULT 0,
  connection_bytes_out INTEGER NOT NULL DEFAULT 0,
  latency_sum_seconds REAL NOT NULL DEFAULT 0,
  connected_millis INTEGER NOT NULL DEFAULT 0,
  connected_seconds REAL GENERATED ALWAYS AS (connected_millis / 1000.0) VIRTUAL,
  relay_millis INTEGER NOT NULL DEFAULT 0,
  relay_seconds REAL GENERATED ALWAYS AS (relay_millis / 1000.0) VIRTUAL,
  relay_bytes INTEGER NOT NULL DEFAULT 0,
  relay_cost_nanos INTEGER NOT NULL DEFAULT 0,
  packets_in INTEGER NOT NULL DEFAULT 0,
  packets_out INTEGER NOT NULL DEFAULT 0,
  packets_lost_in INTEGER NOT NULL DEFAULT 0,
  packets_lost_out INTEGER NOT NULL DEFAULT 0,
  jitter_count INTEGER NOT NULL DEFAULT 0,
  jitter_sum_seconds REAL NOT NULL DEFAULT 0,
  freeze_millis INTEGER NOT NULL DEFAULT 0,
  freeze_seconds REAL GENERATED ALWAYS AS (freeze_millis / 1000.0) VIRTUAL,
  frames INTEGER NOT NULL DEFAULT 0,
  frames_dropped INTEGER NOT NULL DEFAULT 0,
  quality_excellent_millis INTEGER NOT NULL DEFAULT 0,
  quality_excellent_seconds REAL GENERATED ALWAYS AS (quality_excellent_millis / 1000.0) VIRTUAL,
  quality_good_millis INTEGER NOT NULL DEFAULT 0,
  quality_good_seconds REAL GENERATED ALWAYS AS (quality_good_millis / 1000.0) VIRTUAL,
  quality_fair_millis INTEGER NOT NULL DEFAULT 0,
  quality_fair_seconds REAL GENERATED ALWAYS AS (quality_fair_millis / 1000.0) VIRTUAL,
  quality_poor_millis INTEGER NOT NULL DEFAULT 0,
  quality_poor_seconds REAL GENERATED ALWAYS AS (quality_poor_millis / 1000.0) VIRTUAL,
  quality_unknown_millis INTEGER NOT NULL DEFAULT 0,
  quality_unknown_seconds REAL GENERATED ALWAYS AS (quality_unknown_millis / 1000.0) VIRTUAL,
  latency_histogram TEXT NOT NULL,
  requests INTEGER GENERATED ALWAYS AS (MAX(latency_count, request_body_count, response_body_count)) VIRTUAL,
  errors INTEGER
    GENERATED ALWAYS AS (MAX(latency_error_count, request_body_error_count, response_body_error_count)) VIRTUAL,
  relay_cost REAL GENERATED ALWAYS AS (relay_cost_nanos / 1e9) VIRTUAL,
  PRIMARY KEY (series_id, bucket_start)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS metrics_daily_bucket ON metrics_daily (bucket_start);

-- Kept 48 hours.
CREATE TABLE IF NOT EXISTS service_latency_minute (
  service_id INTEGER NOT NULL,
  bucket_start INTEGER NOT NULL,
  namespace TEXT NOT NULL,
  service TEXT NOT NULL,
  environment TEXT NOT NULL,
  side TEXT NOT NULL,
  protocol TEXT NOT NULL,
  shard INTEGER NOT NULL,
  latency_count INTEGER NOT NULL DEFAULT 0,
  latency_sum_seconds REAL NOT NULL DEFAULT 0,
  latency_histogram TEXT NOT NULL,
  PRIMARY KEY (service_id, bucket_start)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS service_latency_minute_bucket ON service_latency_minute (bucket_start);

-- Kept 400 days.
CREATE TABLE IF NOT EXISTS service_latency_hourly (
  service_id INTEGER NOT NULL,
  bucket_start INTEGER NOT NULL,
  namespace TEXT NOT NULL,
  service TEXT NOT NULL,
  environment TEXT NOT NULL,
  side TEXT NOT NULL,
  protocol TEXT NOT NULL,
  shard INTEGER NOT NULL,
  latency_count INTEGER NOT NULL DEFAULT 0,
  latency_sum_seconds REAL NOT NULL DEFAULT 0,
  latency_histogram TEXT NOT NULL,
  PRIMARY KEY (service_id, bucket_start)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS service_latency_hourly_bucket ON service_latency_hourly (bucket_start);

CREATE TABLE IF NOT EXISTS receiver_minute (
  bucket_start INTEGER NOT NULL,
  shard INTEGER NOT NULL,
  entries INTEGER NOT NULL DEFAULT 0,
  points INTEGER NOT NULL DEFAULT 0,
  points_refused INTEGER NOT NULL DEFAULT 0,
  points_ignored INTEGER NOT NULL DEFAULT 0,
  points_duplicate INTEGER NOT NULL DEFAULT 0,
  points_baseline INTEGER NOT NULL DEFAULT 0,
  points_faulty INTEGER NOT NULL DEFAULT 0,
  quarantined INTEGER NOT NULL DEFAULT 0,
  points_overflow INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (bucket_start, shard)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS bandwidth_alerts (
  rule TEXT NOT NULL,
  scope TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  protocol TEXT NOT NULL,
  severity TEXT NOT NULL,
  value REAL NOT NULL,
  threshold REAL NOT NULL,
  resolved_at INTEGER NULL,
  PRIMARY KEY (rule, scope, started_at)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS bandwidth_alerts_started ON bandwidth_alerts (started_at);
CREATE INDEX IF NOT EXISTS bandwidth_alerts_resolved ON bandwidth_alerts (resolved_at);

CREATE TABLE IF NOT EXISTS alert_thresholds (
  rule TEXT NOT NULL,
  threshold REAL NOT NULL,
  protocol TEXT NOT NULL DEFAULT '',
  severity TEXT NOT NULL DEFAULT '',
  window_seconds INTEGER NOT NULL DEFAULT 0,
  minimum_samples INTEGER NOT NULL DEFAULT 0,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (rule)
) STRICT, WITHOUT ROWID;

-- Where each shard stands in its log: compared and set by every commit.
CREATE TABLE IF NOT EXISTS ingest_offset (
  shard INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  last_id TEXT NOT NULL,
  persisted_at INTEGER NOT NULL,
  commits INTEGER NOT NULL DEFAULT 0,
  log_identity TEXT,
  PRIMARY KEY (shard)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS ingest_ledger (
  shard INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  last_id TEXT NOT NULL,
  position INTEGER NOT NULL,
  slot INTEGER NOT NULL,
  entries BLOB NOT NULL,
  PRIMARY KEY (shard, received_at, generation, last_id, position)
) STRICT;

CREATE TABLE IF NOT EXISTS ingest_quarantine (
  shard INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  log_id TEXT NOT NULL,
  last_id TEXT NOT NULL,
  position INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  reason TEXT NOT NULL,
  payload BLOB NOT NULL,
  PRIMARY KEY (shard, generation, log_id, last_id, position)
) STRICT;
CREATE INDEX IF NOT EXISTS ingest_quarantine_received ON ingest_quarantine (received_at);

CREATE TABLE IF NOT EXISTS counter_state (
  state_key TEXT NOT NULL,
  slot INTEGER NOT NULL,
  touched_at INTEGER NOT NULL,
  state BLOB NOT NULL,
  PRIMARY KEY (state_key)
) STRICT;
CREATE INDEX IF NOT EXISTS counter_state_touched ON counter_state (touched_at);
