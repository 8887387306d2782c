/**
 * What participants used in a span of whole days, from `metrics_daily`: the amounts of a bill.
 */
import { ROLLUP_COLUMNS, rollupPosition } from "../model/rollup-columns.ts";
import type { SnapshotRow, TotalsSnapshot } from "./totals-snapshot.ts";

/** What a bill may have its lines by. */
export type BillGrouping = "meeting" | "participant" | "service";

/** Amounts, exact. */
export interface UsedAmounts {
  readonly connectedMillis: bigint;
  readonly relayedMillis: bigint;
  /** Of both directions, relayed or not. */
  readonly bytes: bigint;
  readonly relayBytes: bigint;
  /** The price of the relay use when it was folded, billionths of the currency unit. */
  readonly costNanos: bigint;
}

/** The amounts of one meeting, participant or service. */
export interface BilledUse extends UsedAmounts {
  /** By position of {@link GROUPING_COLUMNS}. */
  readonly keys: readonly string[];
}

/** The columns of `series` that tell the lines of a grouping apart: ids are unique within a namespace, not among them. */
export const GROUPING_COLUMNS: Readonly<Record<BillGrouping, readonly string[]>> = {
  meeting: ["namespace", "meeting_id"],
  participant: ["namespace", "participant_id"],
  service: ["namespace", "service", "environment"],
};

/** Which use: of the days that start at `fromSeconds` or later and before `toSeconds` (epoch seconds). */
export interface BilledSpan {
  readonly fromSeconds: number;
  readonly toSeconds: number;
  /** The only `service.namespace` whose use it is; empty: of what has none. Absent: of all. */
  readonly namespace?: string | undefined;
  /** Groups at most. */
  readonly limit: number;
}

/** The use of a span, by group, in no order. Rejects with what the engine reports. */
export async function billedUse(
  snapshot: TotalsSnapshot,
  grouping: BillGrouping,
  { fromSeconds, toSeconds, namespace, limit }: BilledSpan,
): Promise<readonly BilledUse[]> {
  const columns = GROUPING_COLUMNS[grouping];
  // As bytes: MySQL takes texts for equal that differ in spaces at their end.
  const bytesOf = (column: string): string => `COALESCE(HEX(series.${column}), '')`;
  const keys = columns.map((column, at) => `${bytesOf(column)} AS key_${at}`);
  const sum = (name: string): string => `SUM(${nameOf(snapshot, name)})`;
  // A row whose series is missing was used all the same.
  const rows = await snapshot.rows(
    `SELECT ${keys.join(", ")}, ${sum("connected_seconds")} AS connected, ${sum("relay_seconds")} AS relayed,
       ${sum("bytes_in")} AS received, ${sum("bytes_out")} AS sent, ${sum("relay_bytes")} AS relay_bytes,
       ${sum("relay_cost_nanos")} AS cost
     FROM metrics_daily LEFT JOIN series ON series.series_id = metrics_daily.series_id
     WHERE metrics_daily.protocol = 'webrtc' AND bucket_start >= ? AND bucket_start < ?
       ${namespace === undefined ? "" : `AND ${bytesOf("namespace")} = ?`}
     GROUP BY ${columns.map((_, at) => `key_${at}`).join(", ")} LIMIT ${limit}`,
    [BigInt(fromSeconds), BigInt(toSeconds), ...(namespace === undefined ? [] : [hexOf(namespace)])],
  );
  return rows.map((row) => ({
    keys: columns.map((_, at) => Buffer.from(String(row[`key_${at}`]), "hex").toString()),
    connectedMillis: millis(row["connected"]),
    relayedMillis: millis(row["relayed"]),
    bytes: whole(row["received"]) + whole(row["sent"]),
    relayBytes: whole(row["relay_bytes"]),
    costNanos: whole(row["cost"]),
  }));
}

/** The use in several databases as one: what has the same keys is added up. In no order. */
export function addUse(databases: readonly (readonly BilledUse[])[]): readonly BilledUse[] {
  const [first, ...others] = databases;
  if (others.length === 0) return first ?? [];
  const sums = new Map<string, BilledUse>();
  for (const use of databases.flat()) {
    const key = use.keys.join("\0");
    const before = sums.get(key);
    sums.set(key, before === undefined ? use : sumOf(before, use));
  }
  return [...sums.values()];
}

function sumOf(left: BilledUse, right: BilledUse): BilledUse {
  return {
    keys: left.keys,
    connectedMillis: left.connectedMillis + right.connectedMillis,
    relayedMillis: left.relayedMillis + right.relayedMillis,
    bytes: left.bytes + right.bytes,
    relayBytes: left.relayBytes + right.relayBytes,
    costNanos: left.costNanos + right.costNanos,
  };
}

function hexOf(text: string): string {
  return Buffer.from(text).toString("hex").toUpperCase();
}

function nameOf(snapshot: TotalsSnapshot, name: string): string {
  return snapshot.columnName(ROLLUP_COLUMNS[rollupPosition(name)]!);
}

function whole(value: SnapshotRow[string] | undefined): bigint {
  return BigInt(String(value));
}

// MySQL sums seconds with three decimals, SQLite whole milliseconds: without the point both are milliseconds.
function millis(value: SnapshotRow[string] | undefined): bigint {
  return BigInt(String(value).replace(".", ""));
}
