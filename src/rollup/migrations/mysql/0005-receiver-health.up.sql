-- Why points were refused, how late entries are folded, and the time that SQL, log and live figures take.
-- when no column exists: receiver_minute.points_refused_time
ALTER TABLE receiver_minute
  ADD COLUMN points_refused_time BIGINT NOT NULL DEFAULT 0,
  ADD COLUMN points_refused_value BIGINT NOT NULL DEFAULT 0,
  ADD COLUMN lag_millis BIGINT NOT NULL DEFAULT 0,
  ADD COLUMN commits BIGINT NOT NULL DEFAULT 0,
  ADD COLUMN commit_micros BIGINT NOT NULL DEFAULT 0,
  ADD COLUMN log_calls BIGINT NOT NULL DEFAULT 0,
  ADD COLUMN log_micros BIGINT NOT NULL DEFAULT 0,
  ADD COLUMN realtime_updates BIGINT NOT NULL DEFAULT 0,
  ADD COLUMN realtime_micros BIGINT NOT NULL DEFAULT 0;
