-- when column exists: receiver_minute.points_refused_time
ALTER TABLE receiver_minute DROP COLUMN points_refused_time;
-- when column exists: receiver_minute.points_refused_value
ALTER TABLE receiver_minute DROP COLUMN points_refused_value;
-- when column exists: receiver_minute.lag_millis
ALTER TABLE receiver_minute DROP COLUMN lag_millis;
-- when column exists: receiver_minute.commits
ALTER TABLE receiver_minute DROP COLUMN commits;
-- when column exists: receiver_minute.commit_micros
ALTER TABLE receiver_minute DROP COLUMN commit_micros;
-- when column exists: receiver_minute.log_calls
ALTER TABLE receiver_minute DROP COLUMN log_calls;
-- when column exists: receiver_minute.log_micros
ALTER TABLE receiver_minute DROP COLUMN log_micros;
-- when column exists: receiver_minute.realtime_updates
ALTER TABLE receiver_minute DROP COLUMN realtime_updates;
-- when column exists: receiver_minute.realtime_micros
ALTER TABLE receiver_minute DROP COLUMN realtime_micros;
