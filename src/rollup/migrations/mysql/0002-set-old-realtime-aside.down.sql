-- Gives the earlier system its table back.
-- when table exists: metrics_realtime_legacy
ALTER TABLE metrics_realtime_legacy RENAME TO metrics_realtime;
