/**
 * Retention on MySQL and MariaDB: partitions of totals are dropped and made ahead, other old rows deleted in bounded steps.
 */
import { withMysqlLock } from "./mysql-lock.ts";
import type { MysqlSession } from "./mysql-session.ts";
import { LAST_PARTITION, planPartitions } from "./partition-plan.ts";
import type { Partition } from "./partition-plan.ts";
import {
  ALERTS_TO_DROP_SQL,
  COUNTER_STATE_KEPT_SECONDS,
  EXPIRING_TABLES,
  MAX_DELETED_ROWS_PER_STATEMENT,
  MAX_DELETE_STATEMENTS_PER_RUN,
  NOTED_RETENTION_SQL,
} from "./retention.ts";
import type { ExpiringTable } from "./retention.ts";
import { TOTALS_TABLES } from "./totals-table.ts";
import type { TotalsTable } from "./totals-table.ts";

/** A schema change may copy rows: it gets longer than other statements, milliseconds. */
const SCHEMA_CHANGE_TIMEOUT_MILLIS = 300_000;

/** Does what is due; does nothing when another process is at it. Rejects with what the driver reports. */
export async function maintainMysql(
  session: MysqlSession,
  nowSeconds: number,
  retentionSeconds: number,
): Promise<void> {
  await withMysqlLock(session, "maintain", 0, async () => {
    for (const table of TOTALS_TABLES) await movePartitions(session, table, nowSeconds, retentionSeconds);
    await emptyCounterState(session, retentionSeconds);
    for (const expiring of EXPIRING_TABLES) await deleteExpired(session, expiring, retentionSeconds);
    await limitAlerts(session);
    const [noted] = await session.rows(NOTED_RETENTION_SQL, []);
    if (Number(noted?.["maintained_at"] ?? 0) < retentionSeconds) await session.run(NOTE_RETENTION, [retentionSeconds]);
  });
}

const NOTE_RETENTION = "REPLACE INTO retention_time (id, maintained_at) VALUES (1, ?)";

async function movePartitions(
  session: MysqlSession,
  table: TotalsTable,
  nowSeconds: number,
  retentionSeconds: number,
): Promise<void> {
  const { add, drop } = planPartitions(table, await partitionsOf(session, table.name), nowSeconds, retentionSeconds);
  if (add.length > 0) {
    const parts = add.map(({ name, until }) => `PARTITION ${name} VALUES LESS THAN (${until})`);
    await session.command(
      `ALTER TABLE ${table.name} REORGANIZE PARTITION ${LAST_PARTITION} INTO
       (${[...parts, `PARTITION ${LAST_PARTITION} VALUES LESS THAN MAXVALUE`].join(", ")})`,
      SCHEMA_CHANGE_TIMEOUT_MILLIS,
    );
  }
  if (drop.length > 0) {
    const names = drop.map(({ name }) => name).join(", ");
    await session.command(`ALTER TABLE ${table.name} DROP PARTITION ${names}`, SCHEMA_CHANGE_TIMEOUT_MILLIS);
  }
}

/** The partitions a table has. */
export async function partitionsOf(session: MysqlSession, table: string): Promise<readonly Partition[]> {
  const rows = await session.rows(
    `SELECT PARTITION_NAME AS name, PARTITION_DESCRIPTION AS until FROM information_schema.PARTITIONS
     WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND PARTITION_NAME IS NOT NULL
     ORDER BY PARTITION_ORDINAL_POSITION`,
    [table],
  );
  return rows.map((row) => ({
    name: String(row["name"]),
    until: String(row["until"]) === "MAXVALUE" ? Number.POSITIVE_INFINITY : Number(row["until"]),
  }));
}

async function emptyCounterState(session: MysqlSession, retentionSeconds: number): Promise<void> {
  const change = "UPDATE counter_state SET state = ''";
  const where = "touched_at < ? AND state <> ''";
  await inSteps(
    session,
    { change, table: "counter_state", where, timeColumn: "touched_at" },
    COUNTER_STATE_KEPT_SECONDS,
    retentionSeconds,
  );
}

async function deleteExpired(session: MysqlSession, expiring: ExpiringTable, retentionSeconds: number): Promise<void> {
  const { table, timeColumn, keptSeconds } = expiring;
  const step = { change: `DELETE FROM ${table}`, table, where: `${timeColumn} < ?`, timeColumn };
  await inSteps(session, step, keptSeconds, retentionSeconds);
}

async function limitAlerts(session: MysqlSession): Promise<void> {
  const [last] = await session.rows(ALERTS_TO_DROP_SQL, []);
  if (last === undefined) return;
  const table = "bandwidth_alerts";
  const step = { change: `DELETE FROM ${table}`, table, where: "resolved_at <= ?", timeColumn: "resolved_at" };
  await inSteps(session, step, 0, Number(last["resolved_at"]));
}

/** A change of rows that are due, oldest first; `where` has one value, the time before which they are. */
interface Step {
  readonly change: string;
  readonly table: string;
  readonly where: string;
  readonly timeColumn: string;
}

/** Repeats a bounded change until nothing is due. Looks first: a write that changes nothing is a write all the same. */
async function inSteps(
  session: MysqlSession,
  step: Step,
  keptSeconds: number,
  retentionSeconds: number,
): Promise<void> {
  const { change, table, where, timeColumn } = step;
  const before = [retentionSeconds - keptSeconds];
  const due = await session.rows(`SELECT 1 AS due FROM ${table} WHERE ${where} LIMIT 1`, before);
  if (due.length === 0) return;
  const sql = `${change} WHERE ${where} ORDER BY ${timeColumn} LIMIT ${MAX_DELETED_ROWS_PER_STATEMENT}`;
  for (let count = 0; count < MAX_DELETE_STATEMENTS_PER_RUN; count += 1) {
    if ((await session.run(sql, before)) < MAX_DELETED_ROWS_PER_STATEMENT) return;
  }
}
