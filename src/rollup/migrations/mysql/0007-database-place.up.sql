-- Which of how many databases this is: what lies where rests on it. One row, written when the database is first used.
CREATE TABLE IF NOT EXISTS database_place (
  id INT NOT NULL,
  position INT NOT NULL,
  database_count INT NOT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
