-- Persons who were erased: what still comes of them is counted without their name.
CREATE TABLE IF NOT EXISTS erased_participants (
  erasure_key TEXT NOT NULL,
  erased_at INTEGER NOT NULL,
  PRIMARY KEY (erasure_key)
) STRICT, WITHOUT ROWID;

-- Their former series, and the ones that their rows were added to.
CREATE TABLE IF NOT EXISTS erased_series (
  series_id INTEGER NOT NULL,
  erased_into INTEGER NOT NULL,
  PRIMARY KEY (series_id)
) STRICT, WITHOUT ROWID;
