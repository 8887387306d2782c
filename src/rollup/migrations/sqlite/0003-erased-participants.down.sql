-- Who was erased is forgotten: who still takes part is counted by name again.
DROP TABLE IF EXISTS erased_series;
DROP TABLE IF EXISTS erased_participants;
