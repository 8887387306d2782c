-- Persons who were erased: what still comes of them is counted without their name.
CREATE TABLE IF NOT EXISTS erased_participants (
  erasure_key CHAR(64) NOT NULL,
  erased_at BIGINT NOT NULL,
  PRIMARY KEY (erasure_key)
) ENGINE=InnoDB DEFAULT CHARSET=ascii COLLATE=ascii_bin;

-- Their former series, and the ones that their rows were added to.
CREATE TABLE IF NOT EXISTS erased_series (
  series_id BIGINT NOT NULL,
  erased_into BIGINT NOT NULL,
  PRIMARY KEY (series_id)
) ENGINE=InnoDB;
