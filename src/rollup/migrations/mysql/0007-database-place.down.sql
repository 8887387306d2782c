DROP TABLE IF EXISTS database_place;
