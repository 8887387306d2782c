-- An earlier system kept a row a request in metrics_realtime: it is kept, under another name.
-- when table exists: metrics_realtime
ALTER TABLE metrics_realtime RENAME TO metrics_realtime_legacy;
