/**
 * How long maintenance keeps what is not a total: the named limits of everything else that grows.
 */

/**
 * Counter state that no point touched for this long is emptied: points that old are refused at the door. The emptied row
 * stays as a mark, so that a stream that comes back after all is taken as a baseline instead of being counted again.
 */
export const COUNTER_STATE_KEPT_SECONDS: number = 72 * 3600;

/** Marks of emptied counter state. */
export const COUNTER_MARK_KEPT_SECONDS: number = 400 * 86_400;

/** Our own health, `receiver_minute`. */
export const RECEIVER_KEPT_SECONDS: number = 30 * 86_400;

/** Metrics in quarantine. */
export const QUARANTINE_KEPT_SECONDS: number = 30 * 86_400;

/** Alerts, counted from when they were resolved. */
export const ALERTS_KEPT_SECONDS: number = 400 * 86_400;

/** Resolved alerts that are kept; of more, the oldest go. */
export const MAX_RESOLVED_ALERTS = 100_000;

/** Reads when the newest alert was resolved that is one too many, if there is one. */
export const ALERTS_TO_DROP_SQL: string = `SELECT resolved_at FROM bandwidth_alerts WHERE resolved_at IS NOT NULL
  ORDER BY resolved_at DESC LIMIT 1 OFFSET ${MAX_RESOLVED_ALERTS}`;

/** What is kept of the payload of a metric in quarantine, bytes: larger than any server's packet it would stop its shard. */
export const MAX_QUARANTINE_PAYLOAD_BYTES: number = 1_048_576;

/** Rows that a shard's quarantine holds; what comes beyond them is counted and not kept. */
export const MAX_QUARANTINE_ROWS_PER_SHARD = 1000;

/** Bytes of payloads that a shard's quarantine holds; what comes beyond them is counted and not kept. */
export const MAX_QUARANTINE_BYTES_PER_SHARD: number = 67_108_864;

/** What is kept of the reason of a quarantine, UTF-16 units: the width of its column. */
export const MAX_QUARANTINE_REASON_LENGTH = 512;

/** Reads the time of retention of the latest maintenance; no row when there was none. */
export const NOTED_RETENTION_SQL = "SELECT maintained_at FROM retention_time WHERE id = 1";

/** The same, or where there was none the newest time that something was committed at, or 0. */
export const MAINTAINED_AT_SQL: string = `SELECT COALESCE((${NOTED_RETENTION_SQL}), MAX(persisted_at), 0) AS maintained_at
  FROM ingest_offset`;

/** Rows deleted by one statement of maintenance, so that it holds no lock for long. */
export const MAX_DELETED_ROWS_PER_STATEMENT = 5000;

/** Statements of one kind that one run of maintenance sends; what is left waits for the next run. */
export const MAX_DELETE_STATEMENTS_PER_RUN = 200;

/** A table whose old rows maintenance deletes. */
export interface ExpiringTable {
  readonly table: string;
  readonly keyColumns: readonly string[];
  /** The column, epoch seconds, by which a row grows old. */
  readonly timeColumn: string;
  readonly keptSeconds: number;
}

/** The tables whose old rows are deleted by rows. */
export const EXPIRING_TABLES: readonly ExpiringTable[] = [
  {
    table: "counter_state",
    keyColumns: ["state_key"],
    timeColumn: "touched_at",
    keptSeconds: COUNTER_MARK_KEPT_SECONDS,
  },
  {
    table: "receiver_minute",
    keyColumns: ["bucket_start", "shard"],
    timeColumn: "bucket_start",
    keptSeconds: RECEIVER_KEPT_SECONDS,
  },
  {
    table: "ingest_quarantine",
    keyColumns: ["shard", "generation", "log_id", "last_id", "position"],
    timeColumn: "received_at",
    keptSeconds: QUARANTINE_KEPT_SECONDS,
  },
  {
    table: "bandwidth_alerts",
    keyColumns: ["rule", "scope", "started_at"],
    timeColumn: "resolved_at",
    keptSeconds: ALERTS_KEPT_SECONDS,
  },
];
