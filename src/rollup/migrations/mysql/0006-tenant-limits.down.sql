-- when column exists: receiver_minute.points_limited
ALTER TABLE receiver_minute DROP COLUMN points_limited;
