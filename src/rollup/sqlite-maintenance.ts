/**
 * Retention on SQLite: old rows are deleted in bounded steps, and the event loop gets its turn between them.
 */
import {
  ALERTS_TO_DROP_SQL,
  COUNTER_STATE_KEPT_SECONDS,
  EXPIRING_TABLES,
  MAX_DELETED_ROWS_PER_STATEMENT,
  MAX_DELETE_STATEMENTS_PER_RUN,
  NOTED_RETENTION_SQL,
} from "./retention.ts";
import type { ExpiringTable } from "./retention.ts";
import type { SqliteSession } from "./sqlite-session.ts";
import { TOTALS_TABLES } from "./totals-table.ts";

/** Deletes what is past its retention. Rejects with what SQLite reports; what was deleted until then stays deleted. */
export async function maintainSqlite(session: () => SqliteSession, retentionSeconds: number): Promise<void> {
  await inSteps(session, EMPTY_COUNTER_STATE, retentionSeconds - COUNTER_STATE_KEPT_SECONDS);
  for (const expiring of [...expiringTotals(), ...EXPIRING_TABLES]) {
    await inSteps(session, deleteStep(expiring), retentionSeconds - expiring.keptSeconds);
  }
  const last = session().get(ALERTS_TO_DROP_SQL, []);
  if (last !== undefined) await inSteps(session, DROP_ALERTS, Number(last["resolved_at"]));
  const noted = session().get(NOTED_RETENTION_SQL, []);
  if (Number(noted?.["maintained_at"] ?? 0) < retentionSeconds) session().run(NOTE_RETENTION, [retentionSeconds]);
}

const NOTE_RETENTION = "INSERT OR REPLACE INTO retention_time (id, maintained_at) VALUES (1, ?)";

const EMPTY_COUNTER_STATE = `UPDATE counter_state SET state = x'' WHERE state_key IN
  (SELECT state_key FROM counter_state WHERE touched_at < ? AND length(state) > 0 LIMIT ?)`;

const DROP_ALERTS = `DELETE FROM bandwidth_alerts WHERE (rule, scope, started_at) IN
  (SELECT rule, scope, started_at FROM bandwidth_alerts WHERE resolved_at <= ? LIMIT ?)`;

async function inSteps(session: () => SqliteSession, sql: string, before: number): Promise<void> {
  for (let step = 0; step < MAX_DELETE_STATEMENTS_PER_RUN; step += 1) {
    const changed = session().run(sql, [before, MAX_DELETED_ROWS_PER_STATEMENT]);
    if (changed < MAX_DELETED_ROWS_PER_STATEMENT) return;
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}

function expiringTotals(): readonly ExpiringTable[] {
  return TOTALS_TABLES.filter(({ granularity }) => Number.isFinite(granularity.keptSeconds)).map(
    ({ name, idColumn, granularity }) => ({
      table: name,
      keyColumns: [idColumn, "bucket_start"],
      timeColumn: "bucket_start",
      keptSeconds: granularity.keptSeconds + granularity.bucketSeconds,
    }),
  );
}

function deleteStep({ table, keyColumns, timeColumn }: ExpiringTable): string {
  const keys = keyColumns.join(", ");
  return `DELETE FROM ${table} WHERE (${keys}) IN (SELECT ${keys} FROM ${table} WHERE ${timeColumn} < ? LIMIT ?)`;
}
