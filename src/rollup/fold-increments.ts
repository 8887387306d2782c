/**
 * Before a commit reaches SQL: its additions to a table are sorted by key, so that two writers lock rows in one order,
 * and additions to the same row become one.
 */
import type { LatencyHistogram } from "../model/latency-histogram.ts";
import { mergeHistogram } from "../model/latency-histogram.ts";
import type { RollupColumn } from "../model/rollup-columns.ts";
import { addWhole } from "./totals-table.ts";
import type { TotalsIncrement, TotalsTable } from "./totals-table.ts";

/** Sorts by (id, bucket) and adds up what is meant for the same row, exactly. The input is left as it was. */
export function foldIncrements(
  { valueColumns }: TotalsTable,
  increments: readonly TotalsIncrement[],
): readonly TotalsIncrement[] {
  if (isFolded(increments)) return increments;
  const sorted = [...increments].sort(compareKeys);
  const folded: TotalsIncrement[] = [];
  for (const increment of sorted) {
    const last = folded.at(-1);
    if (last === undefined || compareKeys(last, increment) !== 0) folded.push(increment);
    else folded[folded.length - 1] = addUp(valueColumns, last, increment);
  }
  return folded;
}

function isFolded(increments: readonly TotalsIncrement[]): boolean {
  return increments.every((increment, position) => {
    const last = increments[position - 1];
    return last === undefined || compareKeys(last, increment) < 0;
  });
}

function compareKeys(a: TotalsIncrement, b: TotalsIncrement): number {
  if (a.id !== b.id) return a.id < b.id ? -1 : 1;
  return a.bucketStart - b.bucketStart;
}

function addUp(columns: readonly RollupColumn[], a: TotalsIncrement, b: TotalsIncrement): TotalsIncrement {
  const latency: LatencyHistogram = new Map();
  mergeHistogram(latency, a.latency);
  mergeHistogram(latency, b.latency);
  const values = columns.map(({ kind }, position) => {
    const [one, other] = [a.values[position] ?? 0, b.values[position] ?? 0];
    return kind === "seconds" ? Number(one) + Number(other) : addWhole(one, other);
  });
  return { ...a, values, latency };
}
