DROP TABLE IF EXISTS retention_time;
