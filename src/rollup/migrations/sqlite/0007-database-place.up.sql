-- Which of how many databases this is: an embedded file is always the only one, and has no row.
CREATE TABLE IF NOT EXISTS database_place (
  id INTEGER NOT NULL,
  position INTEGER NOT NULL,
  database_count INTEGER NOT NULL,
  PRIMARY KEY (id)
) STRICT;
