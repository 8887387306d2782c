/**
 * Retention on MySQL and MariaDB: partitions of totals are dropped and made ahead, other old rows deleted in bounded steps.
 */
import { withMysqlLock } from "./mysql-lock.ts";
import type { MysqlSession } from "./mysql-session.ts";
import { LAST_PARTITION, planPartitions } from "./partition-plan.ts";
import type { Partition } from "./partition-plan.ts";
import {
  COUNTER_STATE_KEPT_SECONDS,
  EXPIRING_TABLES,
  MAX_DELETED_ROWS_PER_STATEMENT,
  MAX_DELETE_STATEMENTS_PER_RUN,
} from "./retention.ts";
import type { ExpiringTable } from "./retention.ts";
import { TOTALS_TABLES } from "./totals-table.ts";
import type { TotalsTable } from "./totals-table.ts";

/** A schema change may copy rows: it gets longer than other statements, milliseconds. */
const SCHEMA_CHANGE_TIMEOUT_MILLIS = 300_000;

/** Does what is due; does nothing when another process is at it. Rejects with what the driver reports. */
export async function maintainMysql(session: MysqlSession, nowSeconds: number): Promise<void> {
  await withMysqlLock(session, "maintain", 0, async () => {
    for (const table of TOTALS_TABLES) await movePartitions(session, table, nowSeconds);
    await emptyCounterState(session, nowSeconds);
    for (const expiring of EXPIRING_TABLES) await deleteExpired(session, expiring, nowSeconds);
  });
}

async function movePartitions(session: MysqlSession, table: TotalsTable, nowSeconds: number): Promise<void> {
  const { add, drop } = planPartitions(table, await partitionsOf(session, table.name), nowSeconds);
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

async function emptyCounterState(session: MysqlSession, nowSeconds: number): Promise<void> {
  const before = nowSeconds - COUNTER_STATE_KEPT_SECONDS;
  const due = "FROM counter_state WHERE touched_at < ? AND state <> ''";
  const sql = `UPDATE counter_state SET state = '' WHERE touched_at < ? AND state <> '' ORDER BY touched_at LIMIT ${MAX_DELETED_ROWS_PER_STATEMENT}`;
  await inSteps(session, due, sql, before);
}

async function deleteExpired(session: MysqlSession, expiring: ExpiringTable, nowSeconds: number): Promise<void> {
  const { table, timeColumn, keptSeconds } = expiring;
  const sql = `DELETE FROM ${table} WHERE ${timeColumn} < ? ORDER BY ${timeColumn} LIMIT ${MAX_DELETED_ROWS_PER_STATEMENT}`;
  await inSteps(session, `FROM ${table} WHERE ${timeColumn} < ?`, sql, nowSeconds - keptSeconds);
}

/** Repeats a bounded statement until nothing is due. Looks first: a write that changes nothing is a write all the same. */
async function inSteps(session: MysqlSession, due: string, sql: string, before: number): Promise<void> {
  for (let step = 0; step < MAX_DELETE_STATEMENTS_PER_RUN; step += 1) {
    const found = await session.rows(`SELECT 1 AS due ${due} LIMIT 1`, [before]);
    if (found.length === 0) return;
    await session.run(sql, [before]);
  }
}
