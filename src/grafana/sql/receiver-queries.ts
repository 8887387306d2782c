/** Queries of the receiver's own health: what it took, how fresh the totals are, and what they cost to keep. */

/** Counts of `receiver_minute` that a chart shows, by the name of their line. */
export const RECEIVER_LINES: Readonly<Record<string, string>> = {
  Counted: "points",
  Repeated: "points_duplicate",
  Baseline: "points_baseline",
  Ignored: "points_ignored",
};

/** Counts of what did not become part of a row of its own. */
export const RECEIVER_FAULT_LINES: Readonly<Record<string, string>> = {
  Refused: "points_refused",
  Faulty: "points_faulty",
  Quarantined: "quarantined",
  Overflow: "points_overflow",
  "Tenant over a limit": "points_limited",
};

// Minutes of the receiver are kept for 30 days: as far as they go, any range can be cut into any step.
const RECEIVER_STEP = "$__unixEpochGroup(bucket_start, ${step}s, NULL)";

/** A chart of counts of `receiver_minute`, a minute on average. */
export function receiverSteps(lines: Readonly<Record<string, string>>): string {
  const sums = Object.values(lines).map((column) => `    SUM(${column}) AS ${column}`);
  const columns = Object.entries(lines).map(([name, column]) => `  ${column} * 60 / $step AS "${name}"`);
  return `SELECT step_start AS "time",
${columns.join(",\n")}
FROM (
  SELECT ${RECEIVER_STEP} AS step_start,
${sums.join(",\n")}
  FROM receiver_minute
  WHERE bucket_start BETWEEN $__unixEpochFrom() DIV $step * $step AND $__unixEpochTo()
  GROUP BY step_start
) AS steps
ORDER BY step_start`;
}

/**
 * Means of what stores took and of how late entries were folded, milliseconds: of all calls in a step, not of its minutes. NULL
 * where there was none.
 */
export const STORE_TIMES: string = `SELECT step_start AS "time", lag_millis / NULLIF(entries, 0) AS "Until folded",
  commit_micros / NULLIF(commits, 0) / 1000 AS "SQL commit", log_micros / NULLIF(log_calls, 0) / 1000 AS "Log call",
  realtime_micros / NULLIF(realtime_updates, 0) / 1000 AS "Live update"
FROM (
  SELECT ${RECEIVER_STEP} AS step_start, SUM(lag_millis) AS lag_millis, SUM(entries) AS entries,
    SUM(commit_micros) AS commit_micros, SUM(commits) AS commits, SUM(log_micros) AS log_micros, SUM(log_calls) AS log_calls,
    SUM(realtime_micros) AS realtime_micros, SUM(realtime_updates) AS realtime_updates
  FROM receiver_minute
  WHERE bucket_start BETWEEN $__unixEpochFrom() DIV $step * $step AND $__unixEpochTo()
  GROUP BY step_start
) AS steps
ORDER BY step_start`;

/** Seconds since the shard that is furthest behind persisted; NULL before there is a shard. */
export const FRESHNESS = "SELECT UNIX_TIMESTAMP() - MIN(persisted_at) AS age FROM ingest_offset";

/** Every shard: how far it is behind, and its commits. */
export const SHARDS = `SELECT shard AS "Shard", UNIX_TIMESTAMP() - persisted_at AS "Behind", persisted_at * 1000 AS "Persisted",
  commits AS "Commits", generation AS "Generation"
FROM ingest_offset
ORDER BY shard`;

/** Tenants with a row `__other__` of their own: what is counted in it, because they had as many series as they may. */
export const CUT_TENANTS = `SELECT series.namespace AS "Tenant", SUM(totals.requests) AS "Requests without a name",
  SUM(totals.wire_bytes_in) + SUM(totals.wire_bytes_out) + SUM(totals.relay_bytes) AS "Bytes without a name"
FROM metrics_hourly AS totals JOIN series ON series.series_id = totals.series_id
WHERE series.service = '__other__' AND series.namespace <> ''
  AND totals.bucket_start BETWEEN $__unixEpochFrom() DIV 3600 * 3600 AND $__unixEpochTo()
GROUP BY series.namespace
ORDER BY 2 DESC, 3 DESC
LIMIT 20`;

/** Metrics in quarantine. */
export const QUARANTINE = "SELECT COUNT(*) AS quarantined FROM ingest_quarantine";

/**
 * Rows of totals a minute: what a commit writes, once a minute, of what came meanwhile. A row a request would be the requests
 * beside it.
 */
export const WRITES = `SELECT step_start AS "time", held * 60 / $step AS "Rows stored", requests * 60 / $step AS "Requests counted"
FROM (
  SELECT $__unixEpochGroup(bucket_start, \${step}s, NULL) AS step_start, COUNT(*) AS held, SUM(requests) AS requests
  FROM metrics_minute
  WHERE bucket_start BETWEEN $__unixEpochFrom() DIV $step * $step AND $__unixEpochTo()
  GROUP BY step_start
) AS steps
ORDER BY step_start`;
