-- Deletes every total, all exactly-once state and all alerts.
DROP TABLE IF EXISTS counter_state;
DROP TABLE IF EXISTS ingest_quarantine;
DROP TABLE IF EXISTS ingest_ledger;
DROP TABLE IF EXISTS ingest_offset;
DROP TABLE IF EXISTS alert_thresholds;
DROP TABLE IF EXISTS bandwidth_alerts;
DROP TABLE IF EXISTS receiver_minute;
DROP TABLE IF EXISTS service_latency_hourly;
DROP TABLE IF EXISTS service_latency_minute;
DROP TABLE IF EXISTS metrics_daily;
DROP TABLE IF EXISTS metrics_hourly;
DROP TABLE IF EXISTS metrics_minute;
DROP TABLE IF EXISTS series;
