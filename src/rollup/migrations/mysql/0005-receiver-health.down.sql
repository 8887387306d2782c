-- when column exists: receiver_minute.points_refused_time
ALTER TABLE receiver_minute
  DROP COLUMN points_refused_time,
  DROP COLUMN points_refused_value,
  DROP COLUMN lag_millis,
  DROP COLUMN commits,
  DROP COLUMN commit_micros,
  DROP COLUMN log_calls,
  DROP COLUMN log_micros,
  DROP COLUMN realtime_updates,
  DROP COLUMN realtime_micros;
