-- Points that were refused for their tenants' limits.
-- when no column exists: receiver_minute.points_limited
ALTER TABLE receiver_minute ADD COLUMN points_limited BIGINT NOT NULL DEFAULT 0;
