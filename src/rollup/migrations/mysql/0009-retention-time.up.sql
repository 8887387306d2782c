-- Up to when old rows were deleted, so that a clock that is ahead at a start is not believed. One row, written by maintenance.
CREATE TABLE IF NOT EXISTS retention_time (
  id INT NOT NULL,
  maintained_at BIGINT NOT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
