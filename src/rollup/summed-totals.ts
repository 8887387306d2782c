/**
 * Sums of the totals over a span of time, by service, route or meeting: what is added up over several databases.
 */
import { ROLLUP_COLUMNS, rollupPosition } from "../model/rollup-columns.ts";
import type { SnapshotRow, TotalsSnapshot } from "./totals-snapshot.ts";

/** What sums may be had by. */
export type TotalsGrouping = "service" | "route" | "meeting";

/** The columns of `series` that tell the rows of a grouping apart. */
export const TOTALS_KEYS: Readonly<Record<TotalsGrouping, readonly string[]>> = {
  service: ["protocol", "namespace", "service", "environment"],
  route: ["protocol", "namespace", "service", "environment", "method", "route"],
  meeting: ["namespace", "meeting_id"],
};

/** What is added up, by its name in SQL; seconds are milliseconds here, costs billionths. */
export const SUMMED_COLUMNS = [
  "requests",
  "errors",
  "bytes_in",
  "bytes_out",
  "wire_bytes_in",
  "wire_bytes_out",
  "connected_seconds",
  "relay_seconds",
  "relay_bytes",
  "relay_cost_nanos",
] as const;

/** The sums of one service, route or meeting. */
export interface SummedTotals {
  /** By position of {@link TOTALS_KEYS}. */
  readonly keys: readonly string[];
  /** By position of {@link SUMMED_COLUMNS}. */
  readonly amounts: readonly bigint[];
}

/** Which totals: buckets of a table that start at `fromSeconds` or later and before `toSeconds` (epoch seconds). */
export interface SummedSpan {
  readonly table: "metrics_hourly" | "metrics_daily";
  readonly fromSeconds: number;
  readonly toSeconds: number;
}

/** The sums in one database, of HTTP those of servers; at most `limit`, in no order. Rejects with what the engine reports. */
export async function sumTotals(
  snapshot: TotalsSnapshot,
  grouping: TotalsGrouping,
  { table, fromSeconds, toSeconds }: SummedSpan,
  limit: number,
): Promise<readonly SummedTotals[]> {
  const columns = TOTALS_KEYS[grouping];
  // As bytes: MySQL takes texts for equal that differ in spaces at their end.
  const keys = columns.map((column, at) => `COALESCE(HEX(series.${column}), '') AS key_${at}`);
  const sums = SUMMED_COLUMNS.map((name, at) => `SUM(${nameOf(snapshot, name)}) AS sum_${at}`);
  // A request between two of the services is in the rows of both sides: the server's count.
  const served = `(${table}.protocol = 'webrtc' OR COALESCE(series.side, 'server') = 'server')`;
  const only = grouping === "meeting" ? `${table}.protocol = 'webrtc'` : served;
  const rows = await snapshot.rows(
    `SELECT ${[...keys, ...sums].join(", ")}
     FROM ${table} LEFT JOIN series ON series.series_id = ${table}.series_id
     WHERE bucket_start >= ? AND bucket_start < ? AND ${only}
     GROUP BY ${columns.map((_, at) => `key_${at}`).join(", ")} LIMIT ${limit}`,
    [BigInt(fromSeconds), BigInt(toSeconds)],
  );
  return rows.map((row) => ({
    keys: columns.map((_, at) => Buffer.from(String(row[`key_${at}`]), "hex").toString()),
    amounts: SUMMED_COLUMNS.map((_, at) => whole(row[`sum_${at}`])),
  }));
}

/** The sums of several databases as one: what has the same keys is added up. In no order. */
export function addSums(databases: readonly (readonly SummedTotals[])[]): readonly SummedTotals[] {
  const sums = new Map<string, SummedTotals>();
  for (const one of databases.flat()) {
    const key = one.keys.join("\0");
    const before = sums.get(key);
    const amounts = before === undefined ? one.amounts : one.amounts.map((amount, at) => amount + before.amounts[at]!);
    sums.set(key, { keys: one.keys, amounts });
  }
  return [...sums.values()];
}

function nameOf(snapshot: TotalsSnapshot, name: string): string {
  const column = ROLLUP_COLUMNS.find((one) => one.name === name);
  return column === undefined ? name : snapshot.columnName(ROLLUP_COLUMNS[rollupPosition(name)]!);
}

// MySQL sums seconds with three decimals, SQLite whole milliseconds: without the point both are milliseconds.
function whole(value: SnapshotRow[string] | undefined): bigint {
  return BigInt(String(value).replace(".", ""));
}
