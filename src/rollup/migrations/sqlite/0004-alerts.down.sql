DROP INDEX IF EXISTS bandwidth_alerts_open;
