-- The tables of the totals, of the exactly-once state and of the alerts, for MySQL 8.4+ and MariaDB 10.11+.
-- Times are whole seconds since the Unix epoch, UTC. Partitions ahead are made, and old ones dropped, by maintenance.

CREATE TABLE IF NOT EXISTS series (
  series_id BIGINT NOT NULL,
  protocol VARCHAR(8) NOT NULL,
  namespace VARCHAR(128) NOT NULL,
  service VARCHAR(128) NOT NULL,
  environment VARCHAR(64) NOT NULL,
  side VARCHAR(8) NOT NULL,
  method VARCHAR(16) NOT NULL,
  route VARCHAR(512) NOT NULL,
  status_code INT NOT NULL,
  meeting_id VARCHAR(128) NOT NULL,
  participant_id VARCHAR(128) NOT NULL,
  PRIMARY KEY (series_id),
  KEY series_service (service, environment),
  KEY series_meeting (meeting_id, participant_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Partitioned by day, kept 48 hours.
CREATE TABLE IF NOT EXISTS metrics_minute (
  series_id BIGINT NOT NULL,
  bucket_start BIGINT NOT NULL,
  protocol VARCHAR(8) NOT NULL,
  latency_count BIGINT NOT NULL DEFAULT 0,
  latency_error_count BIGINT NOT NULL DEFAULT 0,
  request_body_count BIGINT NOT NULL DEFAULT 0,
  request_body_error_count BIGINT NOT NULL DEFAULT 0,
  response_body_count BIGINT NOT NULL DEFAULT 0,
  response_body_error_count BIGINT NOT NULL DEFAULT 0,
  bytes_in BIGINT NOT NULL DEFAULT 0,
  bytes_out BIGINT NOT NULL DEFAULT 0,
  wire_bytes_in BIGINT NOT NULL DEFAULT 0,
  wire_bytes_out BIGINT NOT NULL DEFAULT 0,
  connection_bytes_in BIGINT NOT NULL DEFAULT 0,
  connection_bytes_out BIGINT NOT NULL DEFAULT 0,
  latency_sum_seconds DOUBLE NOT NULL DEFAULT 0,
  connected_seconds DECIMAL(20,3) NOT NULL DEFAULT 0,
  relay_seconds DECIMAL(20,3) NOT NULL DEFAULT 0,
  relay_bytes BIGINT NOT NULL DEFAULT 0,
  relay_cost_nanos BIGINT NOT NULL DEFAULT 0,
  packets_in BIGINT NOT NULL DEFAULT 0,
  packets_out BIGINT NOT NULL DEFAULT 0,
  packets_lost_in BIGINT NOT NULL DEFAULT 0,
  packets_lost_out BIGINT NOT NULL DEFAULT 0,
  jitter_count BIGINT NOT NULL DEFAULT 0,
  jitter_sum_seconds DOUBLE NOT NULL DEFAULT 0,
  freeze_seconds DECIMAL(20,3) NOT NULL DEFAULT 0,
  frames BIGINT NOT NULL DEFAULT 0,
  frames_dropped BIGINT NOT NULL DEFAULT 0,
  quality_excellent_seconds DECIMAL(20,3) NOT NULL DEFAULT 0,
  quality_good_seconds DECIMAL(20,3) NOT NULL DEFAULT 0,
  quality_fair_seconds DECIMAL(20,3) NOT NULL DEFAULT 0,
  quality_poor_seconds DECIMAL(20,3) NOT NULL DEFAULT 0,
  quality_unknown_seconds DECIMAL(20,3) NOT NULL DEFAULT 0,
  latency_histogram JSON NOT NULL,
  requests BIGINT GENERATED ALWAYS AS (GREATEST(latency_count, request_body_count, response_body_count)) VIRTUAL,
  errors BIGINT
    GENERATED ALWAYS AS (GREATEST(latency_error_count, request_body_error_count, response_body_error_count)) VIRTUAL,
  relay_cost DECIMAL(30,9) GENERATED ALWAYS AS (relay_cost_nanos * 0.000000001) VIRTUAL,
  PRIMARY KEY (series_id, bucket_start)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
  PARTITION BY RANGE (bucket_start) (PARTITION p_max VALUES LESS THAN MAXVALUE);

-- Partitioned by month, kept 400 days.
CREATE TABLE IF NOT EXISTS metrics_hourly (
  series_id BIGINT NOT NULL,
  bucket_start BIGINT NOT NULL,
  protocol VARCHAR(8) NOT NULL,
  latency_count BIGINT NOT NULL DEFAULT 0,
  latency_error_count BIGINT NOT NULL DEFAULT 0,
  request_body_count BIGINT NOT NULL DEFAULT 0,
  request_body_error_count BIGINT NOT NULL DEFAULT 0,
  response_body_count BIGINT NOT NULL DEFAULT 0,
  response_body_error_count BIGINT NOT NULL DEFAULT 0,
  bytes_in BIGINT NOT NULL DEFAULT 0,
  bytes_out BIGINT NOT NULL DEFAULT 0,
  wire_bytes_in BIGINT NOT NULL DEFAULT 0,
  wire_bytes_out BIGINT NOT NULL DEFAULT 0,
  connection_bytes_in BIGINT NOT NULL DEFAULT 0,
  connection_bytes_out BIGINT NOT NULL DEFAULT 0,
  latency_sum_seconds DOUBLE NOT NULL DEFAULT 0,
  connected_seconds DECIMAL(20,3) NOT NULL DEFAULT 0,
  relay_seconds DECIMAL(20,3) NOT NULL DEFAULT 0,
  relay_bytes BIGINT NOT NULL DEFAULT 0,
  relay_cost_nanos BIGINT NOT NULL DEFAULT 0,
  packets_in BIGINT NOT NULL DEFAULT 0,
  packets_out BIGINT NOT NULL DEFAULT 0,
  packets_lost_in BIGINT NOT NULL DEFAULT 0,
  packets_lost_out BIGINT NOT NULL DEFAULT 0,
  jitter_count BIGINT NOT NULL DEFAULT 0,
  jitter_sum_seconds DOUBLE NOT NULL DEFAULT 0,
  freeze_seconds DECIMAL(20,3) NOT NULL DEFAULT 0,
  frames BIGINT NOT NULL DEFAULT 0,
  frames_dropped BIGINT NOT NULL DEFAULT 0,
  quality_excellent_seconds DECIMAL(20,3) NOT NULL DEFAULT 0,
  quality_good_seconds DECIMAL(20,3) NOT NULL DEFAULT 0,
  quality_fair_seconds DECIMAL(20,3) NOT NULL DEFAULT 0,
  quality_poor_seconds DECIMAL(20,3) NOT NULL DEFAULT 0,
  quality_unknown_seconds DECIMAL(20,3) NOT NULL DEFAULT 0,
  latency_histogram JSON NOT NULL,
  requests BIGINT GENERATED ALWAYS AS (GREATEST(latency_count, request_body_count, response_body_count)) VIRTUAL,
  errors BIGINT
    GENERATED ALWAYS AS (GREATEST(latency_error_count, request_body_error_count, response_body_error_count)) VIRTUAL,
  relay_cost DECIMAL(30,9) GENERATED ALWAYS AS (relay_cost_nanos * 0.000000001) VIRTUAL,
  PRIMARY KEY (series_id, bucket_start)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
  PARTITION BY RANGE (bucket_start) (PARTITION p_max VALUES LESS THAN MAXVALUE);

-- Partitioned by year, kept for ever.
CREATE TABLE IF NOT EXISTS metrics_daily (
  series_id BIGINT NOT NULL,
  bucket_start BIGINT NOT NULL,
  protocol VARCHAR(8) NOT NULL,
  latency_count BIGINT NOT NULL DEFAULT 0,
  latency_error_count BIGINT NOT NULL DEFAULT 0,
  request_body_count BIGINT NOT NULL DEFAULT 0,
  request_body_error_count BIGINT NOT NULL DEFAULT 0,
  response_body_count BIGINT NOT NULL DEFAULT 0,
  response_body_error_count BIGINT NOT NULL DEFAULT 0,
  bytes_in BIGINT NOT NULL DEFAULT 0,
  bytes_out BIGINT NOT NULL DEFAULT 0,
  wire_bytes_in BIGINT NOT NULL DEFAULT 0,
  wire_bytes_out BIGINT NOT NULL DEFAULT 0,
  connection_bytes_in BIGINT NOT NULL DEFAULT 0,
  connection_bytes_out BIGINT NOT NULL DEFAULT 0,
  latency_sum_seconds DOUBLE NOT NULL DEFAULT 0,
  connected_seconds DECIMAL(20,3) NOT NULL DEFAULT 0,
  relay_seconds DECIMAL(20,3) NOT NULL DEFAULT 0,
  relay_bytes BIGINT NOT NULL DEFAULT 0,
  relay_cost_nanos BIGINT NOT NULL DEFAULT 0,
  packets_in BIGINT NOT NULL DEFAULT 0,
  packets_out BIGINT NOT NULL DEFAULT 0,
  packets_lost_in BIGINT NOT NULL DEFAULT 0,
  packets_lost_out BIGINT NOT NULL DEFAULT 0,
  jitter_count BIGINT NOT NULL DEFAULT 0,
  jitter_sum_seconds DOUBLE NOT NULL DEFAULT 0,
  freeze_seconds DECIMAL(20,3) NOT NULL DEFAULT 0,
  frames BIGINT NOT NULL DEFAULT 0,
  frames_dropped BIGINT NOT NULL DEFAULT 0,
  quality_excellent_seconds DECIMAL(20,3) NOT NULL DEFAULT 0,
  quality_good_seconds DECIMAL(20,3) NOT NULL DEFAULT 0,
  quality_fair_seconds DECIMAL(20,3) NOT NULL DEFAULT 0,
  quality_poor_seconds DECIMAL(20,3) NOT NULL DEFAULT 0,
  quality_unknown_seconds DECIMAL(20,3) NOT NULL DEFAULT 0,
  latency_histogram JSON NOT NULL,
  requests BIGINT GENERATED ALWAYS AS (GREATEST(latency_count, request_body_count, response_body_count)) VIRTUAL,
  errors BIGINT
    GENERATED ALWAYS AS (GREATEST(latency_error_count, request_body_error_count, response_body_error_count)) VIRTUAL,
  relay_cost DECIMAL(30,9) GENERATED ALWAYS AS (relay_cost_nanos * 0.000000001) VIRTUAL,
  PRIMARY KEY (series_id, bucket_start)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
  PARTITION BY RANGE (bucket_start) (PARTITION p_max VALUES LESS THAN MAXVALUE);

-- Partitioned by day, kept 48 hours.
CREATE TABLE IF NOT EXISTS service_latency_minute (
  service_id BIGINT NOT NULL,
  bucket_start BIGINT NOT NULL,
  namespace VARCHAR(128) NOT NULL,
  service VARCHAR(128) NOT NULL,
  environment VARCHAR(64) NOT NULL,
  side VARCHAR(8) NOT NULL,
  protocol VARCHAR(8) NOT NULL,
  shard INT NOT NULL,
  latency_count BIGINT NOT NULL DEFAULT 0,
  latency_sum_seconds DOUBLE NOT NULL DEFAULT 0,
  latency_histogram JSON NOT NULL,
  PRIMARY KEY (service_id, bucket_start)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
  PARTITION BY RANGE (bucket_start) (PARTITION p_max VALUES LESS THAN MAXVALUE);

-- Partitioned by month, kept 400 days.
CREATE TABLE IF NOT EXISTS service_latency_hourly (
  service_id BIGINT NOT NULL,
  bucket_start BIGINT NOT NULL,
  namespace VARCHAR(128) NOT NULL,
  service VARCHAR(128) NOT NULL,
  environment VARCHAR(64) NOT NULL,
  side VARCHAR(8) NOT NULL,
  protocol VARCHAR(8) NOT NULL,
  shard INT NOT NULL,
  latency_count BIGINT NOT NULL DEFAULT 0,
  latency_sum_seconds DOUBLE NOT NULL DEFAULT 0,
  latency_histogram JSON NOT NULL,
  PRIMARY KEY (service_id, bucket_start)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
  PARTITION BY RANGE (bucket_start) (PARTITION p_max VALUES LESS THAN MAXVALUE);

CREATE TABLE IF NOT EXISTS receiver_minute (
  bucket_start BIGINT NOT NULL,
  shard INT NOT NULL,
  entries BIGINT NOT NULL DEFAULT 0,
  points BIGINT NOT NULL DEFAULT 0,
  points_refused BIGINT NOT NULL DEFAULT 0,
  points_ignored BIGINT NOT NULL DEFAULT 0,
  points_duplicate BIGINT NOT NULL DEFAULT 0,
  points_baseline BIGINT NOT NULL DEFAULT 0,
  points_faulty BIGINT NOT NULL DEFAULT 0,
  quarantined BIGINT NOT NULL DEFAULT 0,
  points_overflow BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (bucket_start, shard)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS bandwidth_alerts (
  rule VARCHAR(64) NOT NULL,
  scope VARCHAR(512) NOT NULL,
  started_at BIGINT NOT NULL,
  protocol VARCHAR(8) NOT NULL,
  severity VARCHAR(16) NOT NULL,
  value DOUBLE NOT NULL,
  threshold DOUBLE NOT NULL,
  resolved_at BIGINT NULL,
  PRIMARY KEY (rule, scope, started_at),
  KEY bandwidth_alerts_started (started_at),
  KEY bandwidth_alerts_resolved (resolved_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS alert_thresholds (
  rule VARCHAR(64) NOT NULL,
  threshold DOUBLE NOT NULL,
  protocol VARCHAR(8) NOT NULL DEFAULT '',
  severity VARCHAR(16) NOT NULL DEFAULT '',
  window_seconds INT NOT NULL DEFAULT 0,
  minimum_samples BIGINT NOT NULL DEFAULT 0,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (rule)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Where each shard stands in its log: compared and set by every commit.
CREATE TABLE IF NOT EXISTS ingest_offset (
  shard INT NOT NULL,
  generation BIGINT NOT NULL,
  last_id VARCHAR(64) NOT NULL,
  persisted_at BIGINT NOT NULL,
  commits BIGINT NOT NULL DEFAULT 0,
  log_identity VARCHAR(255) NULL,
  PRIMARY KEY (shard)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS ingest_ledger (
  shard INT NOT NULL,
  received_at BIGINT NOT NULL,
  generation BIGINT NOT NULL,
  last_id VARCHAR(64) NOT NULL,
  position INT NOT NULL,
  slot INT NOT NULL,
  entries LONGBLOB NOT NULL,
  PRIMARY KEY (shard, received_at, generation, last_id, position)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS ingest_quarantine (
  shard INT NOT NULL,
  generation BIGINT NOT NULL,
  log_id VARCHAR(64) NOT NULL,
  last_id VARCHAR(64) NOT NULL,
  position INT NOT NULL,
  received_at BIGINT NOT NULL,
  reason VARCHAR(512) NOT NULL,
  payload LONGBLOB NOT NULL,
  PRIMARY KEY (shard, generation, log_id, last_id, position),
  KEY ingest_quarantine_received (received_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS counter_state (
  state_key VARCHAR(32) NOT NULL,
  slot INT NOT NULL,
  touched_at BIGINT NOT NULL,
  state LONGBLOB NOT NULL,
  PRIMARY KEY (state_key),
  KEY counter_state_touched (touched_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
