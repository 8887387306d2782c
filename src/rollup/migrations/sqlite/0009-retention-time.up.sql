-- Up to when old rows were deleted, so that a clock that is ahead at a start is not believed. One row, written by maintenance.
CREATE TABLE IF NOT EXISTS retention_time (
  id INTEGER NOT NULL PRIMARY KEY,
  maintained_at INTEGER NOT NULL
) STRICT;
