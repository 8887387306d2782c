/**
 * The one table of alert rules. The receiver evaluates it, Grafana's rules are generated from it, and the runbook has a section
 * for each.
 */
import type { AlertRule, AlertSettings, AlertSql } from "../model/alert-rule.ts";
import { LATENCY_SCALE, MIN_LATENCY_INDEX } from "../model/latency-histogram.ts";

/** The thresholds' defaults, and the interval of commits that goes with them. */
export const DEFAULT_ALERT_SETTINGS: AlertSettings = {
  httpP95Millis: 300,
  poorShare: 0.2,
  turnCostPerHour: 1,
  packetLoss: 0.05,
  errorRatio: 0.05,
  persistIntervalMillis: 60_000,
};

/** Nothing was persisted for so many intervals: the receiver is not fresh. */
const STALE_INTERVALS = 3;

/** `persisted_at` is whole seconds: a shorter limit would be broken by rounding. */
const MIN_STALE_SECONDS = 5;

/** A shard that has not persisted for so long is one that `SHARDS` no longer has. */
const GIVEN_UP_SECONDS = 7 * 86_400;

const SERVICE_COLUMNS: readonly string[] = ["namespace", "service", "environment"];
/** An id is a meeting's within its namespace: two tenants may each have a "daily". */
const MEETING_COLUMNS: readonly string[] = ["namespace", "meeting_id"];

/** What all rules have in common unless they say otherwise. */
const USUAL = {
  windowSeconds: 300,
  forSeconds: 120,
  recoveryShare: 0.9,
  recoverySeconds: 120,
  noSamplesSeconds: 300,
  unasked: "nothing",
  across: "worst",
} as const;

/** The least packets of a direction of which a loss is said. */
const MIN_PACKETS = 1000;

/** The rules, in the order of the documentation. */
export const ALERT_RULES: readonly AlertRule[] = [
  {
    ...USUAL,
    id: "http-latency-p95",
    title: "HTTP p95 latency",
    summary: "95 % of a service's requests took no longer than this.",
    protocol: "http",
    severity: "warning",
    unit: "ms",
    scopeColumns: SERVICE_COLUMNS,
    setting: "ALERT_HTTP_P95_MILLIS",
    threshold: (settings) => settings.httpP95Millis,
    minimumSamples: 50,
    samplesOf: "requests with a duration",
    sql: {
      mysql: latencySql(
        "JSON_TABLE(l.latency_histogram, '$[*]' COLUMNS (bucket INT PATH '$[0]', found BIGINT PATH '$[1]')) AS b",
        "b.bucket",
        "b.found",
      ),
      sqlite: latencySql(
        "json_each(l.latency_histogram) AS b",
        "json_extract(b.value, '$[0]')",
        "json_extract(b.value, '$[1]')",
      ),
    },
  },
  {
    ...USUAL,
    id: "http-error-ratio",
    title: "HTTP error ratio",
    summary: "Requests of a service that failed (a status of 500 or more, or an error.type), by all its requests.",
    protocol: "http",
    severity: "critical",
    unit: "1",
    scopeColumns: SERVICE_COLUMNS,
    setting: "ALERT_ERROR_RATIO",
    threshold: (settings) => settings.errorRatio,
    minimumSamples: 50,
    samplesOf: "requests",
    sql: joined(
      (minutes) => `SELECT s.namespace, s.service, s.environment,
  1e0 * SUM(m.errors) / SUM(m.requests) AS value, SUM(m.requests) AS samples
FROM ${minutes} ON s.series_id = m.series_id
WHERE m.bucket_start >= :from AND m.bucket_start < :to AND m.protocol = 'http' AND s.side = 'server'
GROUP BY s.namespace, s.service, s.environment
HAVING SUM(m.requests) > 0`,
    ),
  },
  {
    ...USUAL,
    id: "webrtc-poor-quality",
    title: "WebRTC poor quality",
    summary: "Share of a meeting's connected time whose quality was poor; time of unknown quality is left out.",
    protocol: "webrtc",
    severity: "warning",
    unit: "1",
    scopeColumns: MEETING_COLUMNS,
    setting: "ALERT_POOR_SHARE",
    threshold: (settings) => settings.poorShare,
    minimumSamples: 60,
    samplesOf: "seconds of known quality, of all participants",
    sql: joined(
      (minutes) => `SELECT namespace, meeting_id, 1e0 * poor / assessed AS value, assessed AS samples
FROM (
  SELECT s.namespace, s.meeting_id, SUM(m.quality_poor_seconds) AS poor,
    SUM(m.quality_excellent_seconds + m.quality_good_seconds + m.quality_fair_seconds + m.quality_poor_seconds) AS assessed
  FROM ${minutes} ON s.series_id = m.series_id
  WHERE m.bucket_start >= :from AND m.bucket_start < :to AND m.protocol = 'webrtc'
  GROUP BY s.namespace, s.meeting_id
) AS meetings
WHERE assessed > 0`,
    ),
  },
  {
    ...USUAL,
    id: "webrtc-packet-loss",
    title: "WebRTC packet loss",
    summary: "Packets of a meeting that were lost, by those that were sent: the worse of the two directions.",
    protocol: "webrtc",
    severity: "warning",
    unit: "1",
    scopeColumns: MEETING_COLUMNS,
    setting: "ALERT_PACKET_LOSS",
    threshold: (settings) => settings.packetLoss,
    minimumSamples: MIN_PACKETS,
    samplesOf: "packets of the direction that has more",
    sql: joined(
      (minutes) => `SELECT namespace, meeting_id, CASE WHEN loss_in >= loss_out THEN loss_in ELSE loss_out END AS value,
  CASE WHEN sent_in >= sent_out THEN sent_in ELSE sent_out END AS samples
FROM (
  SELECT namespace, meeting_id, sent_in, sent_out,
    CASE WHEN sent_in >= ${MIN_PACKETS} THEN 1e0 * lost_in / sent_in ELSE 0e0 END AS loss_in,
    CASE WHEN sent_out >= ${MIN_PACKETS} THEN 1e0 * lost_out / sent_out ELSE 0e0 END AS loss_out
  FROM (
    SELECT s.namespace, s.meeting_id, SUM(m.packets_lost_in) AS lost_in, SUM(m.packets_in + m.packets_lost_in) AS sent_in,
      SUM(m.packets_lost_out) AS lost_out, SUM(m.packets_out) AS sent_out
    FROM ${minutes} ON s.series_id = m.series_id
    WHERE m.bucket_start >= :from AND m.bucket_start < :to AND m.protocol = 'webrtc'
    GROUP BY s.namespace, s.meeting_id
  ) AS packets
) AS losses
WHERE sent_in > 0 OR sent_out > 0`,
    ),
  },
  {
    ...USUAL,
    across: "sum",
    id: "turn-cost",
    title: "TURN relay cost",
    summary: "What the TURN relay costs an hour, if it goes on as in the window.",
    protocol: "webrtc",
    severity: "warning",
    unit: "{currency}/h",
    scopeColumns: [],
    setting: "ALERT_TURN_COST_PER_HOUR",
    threshold: (settings) => settings.turnCostPerHour,
    minimumSamples: 60,
    samplesOf: "relayed seconds, of all participants",
    sql: onBoth(`SELECT COALESCE(SUM(m.relay_cost_nanos), 0) * 1e-9 * 3600 / (:to - :from) AS value,
  COALESCE(SUM(m.relay_seconds), 0) AS samples
FROM metrics_minute m
WHERE m.bucket_start >= :from AND m.bucket_start < :to AND m.protocol = 'webrtc'`),
  },
  {
    ...USUAL,
    across: "sum",
    id: "turn-in-use",
    title: "TURN relay in use",
    summary: "How many participants were relayed, on average over the window.",
    protocol: "webrtc",
    severity: "info",
    unit: "{participant}",
    scopeColumns: [],
    setting: undefined,
    threshold: () => 0,
    minimumSamples: 10,
    samplesOf: "connected seconds, of all participants",
    sql: onBoth(`SELECT COALESCE(SUM(m.relay_seconds), 0) * 1e0 / (:to - :from) AS value,
  COALESCE(SUM(m.connected_seconds), 0) AS samples
FROM metrics_minute m
WHERE m.bucket_start >= :from AND m.bucket_start < :to AND m.protocol = 'webrtc'`),
  },
  {
    ...USUAL,
    id: "receiver-freshness",
    title: "Receiver freshness",
    summary: "Time since the shard that is furthest behind last persisted; it does so even when nothing came.",
    protocol: "receiver",
    severity: "critical",
    unit: "s",
    scopeColumns: [],
    setting: undefined,
    threshold: ({ persistIntervalMillis }) =>
      Math.max(MIN_STALE_SECONDS, Math.ceil((STALE_INTERVALS * persistIntervalMillis) / 1000)),
    minimumSamples: 1,
    samplesOf: "shards",
    forSeconds: 60,
    recoverySeconds: 60,
    unasked: "grows",
    // A shard that has not committed yet is counted from when the tables were made; one that nothing was heard of for long was given up.
    sql: onBoth(`SELECT COALESCE(MAX(:now - persisted), 0) AS value, COUNT(*) AS samples
FROM (
  SELECT CASE WHEN o.persisted_at > b.applied_at THEN o.persisted_at ELSE b.applied_at END AS persisted
  FROM ingest_offset o CROSS JOIN schema_migrations b
  WHERE b.version = 1
) AS shards
WHERE :now - persisted <= ${GIVEN_UP_SECONDS}`),
  },
];

/**
 * SQL that joins minutes with their series, minutes first: left to itself the engine may begin with the series, of which there
 * are ever more, and read each one's whole day.
 */
function joined(sql: (minutes: string) => string): AlertSql {
  return {
    mysql: sql("metrics_minute m STRAIGHT_JOIN series s"),
    sqlite: sql("metrics_minute m CROSS JOIN series s"),
  };
}

/** The same SQL for both engines. */
function onBoth(sql: string): AlertSql {
  return { mysql: sql, sqlite: sql };
}

/**
 * The 95th percentile of merged buckets, milliseconds: the geometric midpoint of the bucket that holds it, as `percentile` reads
 * it. `buckets` opens the stored histogram to rows; `bucket` and `found` are an index and its count.
 */
function latencySql(buckets: string, bucket: string, found: string): string {
  return `WITH buckets AS (
  SELECT l.namespace, l.service, l.environment, ${bucket} AS bucket, SUM(${found}) AS found
  FROM service_latency_minute l, ${buckets}
  WHERE l.bucket_start >= :from AND l.bucket_start < :to AND l.protocol = 'http' AND l.side = 'server'
  GROUP BY l.namespace, l.service, l.environment, ${bucket}
), ranked AS (
  SELECT namespace, service, environment, bucket,
    SUM(found) OVER (
      PARTITION BY namespace, service, environment ORDER BY bucket ROWS UNBOUNDED PRECEDING
    ) AS seen,
    SUM(found) OVER (PARTITION BY namespace, service, environment) AS total
  FROM buckets
)
SELECT namespace, service, environment,
  CASE WHEN MIN(bucket) = ${MIN_LATENCY_INDEX} THEN 0e0
    ELSE 1000 * POWER(2e0, (MIN(bucket) + 0.5e0) / ${2 ** LATENCY_SCALE}) END AS value,
  MAX(total) AS samples
FROM ranked
WHERE seen * 100 >= total * 95
GROUP BY namespace, service, environment`;
}
