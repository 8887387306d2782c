/**
 * Totals near the end of 64 bits on MySQL and MariaDB: how the server refuses a sum, and which rows are close to it.
 */
import type { RollupColumn } from "../model/rollup-columns.ts";
import type { ShardCommit } from "../model/rollup-store.ts";
import type { MysqlRow, MysqlSession } from "./mysql-session.ts";
import { secondsDecimal } from "./mysql-totals.ts";
import { limitedColumns, NEARLY_FULL, touchedTables } from "./total-range.ts";
import type { NearlyFullRow, NearlyFullRows } from "./total-range.ts";

/** ER_WARN_DATA_OUT_OF_RANGE and ER_DATA_OUT_OF_RANGE: a value, or a sum, does not fit its column. */
const OUT_OF_RANGE: ReadonlySet<unknown> = new Set([1264, 1690]);

/** Whether the server refused a statement because a number does not fit. */
export function isOutOfRange(error: unknown): boolean {
  return error instanceof Error && "errno" in error && OUT_OF_RANGE.has(error.errno);
}

/** The rows that a commit touches the buckets of and that are nearly full. */
export async function nearlyFullRows(session: MysqlSession, commit: ShardCommit): Promise<NearlyFullRows> {
  const found = new Map<string, readonly NearlyFullRow[]>();
  for (const { table, from, to } of touchedTables(commit)) {
    const conditions = limitedColumns(table).map(([name, position]) => {
      const isMillis = table.valueColumns[position]?.kind === "millis";
      return `${name} > ${isMillis ? secondsDecimal(NEARLY_FULL) : NEARLY_FULL}`;
    });
    const rows = await session.rows(
      `SELECT * FROM ${table.name} WHERE bucket_start BETWEEN ? AND ? AND (${conditions.join(" OR ")})`,
      [from, to],
    );
    found.set(
      table.name,
      rows.map((row) => ({
        id: BigInt(String(row[table.idColumn])),
        bucketStart: Number(row["bucket_start"]),
        values: table.valueColumns.map((column) => wholeOf(column, row)),
      })),
    );
  }
  return found;
}

/** DECIMAL(20,3) comes as text with three decimals: without the point it is milliseconds. */
function wholeOf({ name, kind }: RollupColumn, row: MysqlRow): bigint {
  if (kind === "seconds") return 0n;
  return BigInt(kind === "millis" ? String(row[name]).replace(".", "") : String(row[name]));
}
