-- Why points were refused, how late entries are folded, and the time that SQL, log and live figures take.
ALTER TABLE receiver_minute ADD COLUMN points_refused_time INTEGER NOT NULL DEFAULT 0;
ALTER TABLE receiver_minute ADD COLUMN points_refused_value INTEGER NOT NULL DEFAULT 0;
ALTER TABLE receiver_minute ADD COLUMN lag_millis INTEGER NOT NULL DEFAULT 0;
ALTER TABLE receiver_minute ADD COLUMN commits INTEGER NOT NULL DEFAULT 0;
ALTER TABLE receiver_minute ADD COLUMN commit_micros INTEGER NOT NULL DEFAULT 0;
ALTER TABLE receiver_minute ADD COLUMN log_calls INTEGER NOT NULL DEFAULT 0;
ALTER TABLE receiver_minute ADD COLUMN log_micros INTEGER NOT NULL DEFAULT 0;
ALTER TABLE receiver_minute ADD COLUMN realtime_updates INTEGER NOT NULL DEFAULT 0;
ALTER TABLE receiver_minute ADD COLUMN realtime_micros INTEGER NOT NULL DEFAULT 0;
