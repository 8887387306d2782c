-- Why points were refused, how late entries are folded, and the time that SQL, log and live figures take.
-- when no column exists: receiver_minute.points_refused_time
ALTER TABLE receiver_minute ADD COLUMN points_refused_time INTEGER NOT NULL DEFAULT 0;
-- when no column exists: receiver_minute.points_refused_value
ALTER TABLE receiver_minute ADD COLUMN points_refused_value INTEGER NOT NULL DEFAULT 0;
-- when no column exists: receiver_minute.lag_millis
ALTER TABLE receiver_minute ADD COLUMN lag_millis INTEGER NOT NULL DEFAULT 0;
-- when no column exists: receiver_minute.commits
ALTER TABLE receiver_minute ADD COLUMN commits INTEGER NOT NULL DEFAULT 0;
-- when no column exists: receiver_minute.commit_micros
ALTER TABLE receiver_minute ADD COLUMN commit_micros INTEGER NOT NULL DEFAULT 0;
-- when no column exists: receiver_minute.log_calls
ALTER TABLE receiver_minute ADD COLUMN log_calls INTEGER NOT NULL DEFAULT 0;
-- when no column exists: receiver_minute.log_micros
ALTER TABLE receiver_minute ADD COLUMN log_micros INTEGER NOT NULL DEFAULT 0;
-- when no column exists: receiver_minute.realtime_updates
ALTER TABLE receiver_minute ADD COLUMN realtime_updates INTEGER NOT NULL DEFAULT 0;
-- when no column exists: receiver_minute.realtime_micros
ALTER TABLE receiver_minute ADD COLUMN realtime_micros INTEGER NOT NULL DEFAULT 0;
