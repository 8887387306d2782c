-- when index exists: service_latency_minute.service_latency_minute_bucket
ALTER TABLE service_latency_minute DROP KEY service_latency_minute_bucket;

-- when index exists: metrics_minute.metrics_minute_bucket
ALTER TABLE metrics_minute DROP KEY metrics_minute_bucket;

-- when index exists: bandwidth_alerts.bandwidth_alerts_open
ALTER TABLE bandwidth_alerts DROP KEY bandwidth_alerts_open, DROP COLUMN open_marker;
