-- A rule has at most one open alert a scope, whoever evaluates it.
CREATE UNIQUE INDEX IF NOT EXISTS bandwidth_alerts_open ON bandwidth_alerts (rule, scope) WHERE resolved_at IS NULL;
