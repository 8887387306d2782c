/**
 * The totals as they are at one moment, for those that check them: what both engines offer to the same SQL.
 */
import type { RollupColumn } from "../model/rollup-columns.ts";

/** A row as it is read. Whole numbers may be numbers, strings or BigInts, whichever keeps them exact. */
export type SnapshotRow = Readonly<Record<string, string | number | bigint | Uint8Array | null>>;

/** Reads that all see the same moment, whatever is committed meanwhile. */
export interface TotalsSnapshot {
  /** Runs a SELECT. Rejects with what the engine reports. */
  rows(sql: string, values?: readonly (bigint | string)[]): Promise<readonly SnapshotRow[]>;
  /** The engine's name of a column of totals. */
  columnName(column: RollupColumn): string;
}

/** An id of a row, exact. */
export function idOf(value: unknown): bigint {
  return BigInt(String(value));
}
