-- A rule has at most one open alert a scope, whoever evaluates it.
-- when no index exists: bandwidth_alerts.bandwidth_alerts_open
ALTER TABLE bandwidth_alerts
  ADD COLUMN open_marker TINYINT GENERATED ALWAYS AS (CASE WHEN resolved_at IS NULL THEN 1 END) VIRTUAL,
  ADD UNIQUE KEY bandwidth_alerts_open (rule, scope, open_marker);

-- The last minutes are found without reading the day that they are in.
-- when no index exists: metrics_minute.metrics_minute_bucket
ALTER TABLE metrics_minute ADD KEY metrics_minute_bucket (bucket_start, protocol);

-- when no index exists: service_latency_minute.service_latency_minute_bucket
ALTER TABLE service_latency_minute ADD KEY service_latency_minute_bucket (bucket_start);
