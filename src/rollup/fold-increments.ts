/**
 * Before a commit reaches SQL: its additions to a table are sorted by key, so that two writers lock rows in one order,
 * and additions to the same row become one.
 */
import type { LatencyHistogram } from "../model/latency-histogram.ts";
import { histogramToJson, mergeHistogram } from "../model/latency-histogram.ts";
import type { RollupColumn } from "../model/rollup-columns.ts";
import { addWhole } from "./totals-table.ts";
import type { TotalsIncrement, TotalsTable } from "./totals-table.ts";

/** Sorts by (id, bucket) and adds up what is meant for the same row, exactly. The input is left as it was. */
export function foldIncrements(
  { valueColumns }: TotalsTable,
  increments: readonly TotalsIncrement[],
): readonly TotalsIncrement[] {
  const sorted = [...increments].sort(compareKeys);
  const folded: TotalsIncrement[] = [];
  for (const increment of sorted) {
    const last = folded.at(-1);
    if (last === undefined || compareKeys(last, increment) !== 0) folded.push(increment);
    else folded[folded.length - 1] = addUp(valueColumns, last, increment);
  }
  return folded;
}

/** The histogram to store: what the row holds and what is added. The inputs are left as they were. */
export function mergedHistogramJson(stored: Iterable<readonly [number, number]>, added: LatencyHistogram): string {
  const merged: LatencyHistogram = new Map(stored);
  mergeHistogram(merged, added);
  return histogramToJson(merged);
}

function compareKeys(a: TotalsIncrement, b: TotalsIncrement): number {
  if (a.id !== b.id) return a.id < b.id ? -1 : 1;
  return a.bucketStart - b.bucketStart;
}

function addUp(columns: readonly RollupColumn[], a: TotalsIncrement, b: TotalsIncrement): TotalsIncrement {
  const latency: LatencyHistogram = new Map(a.latency);
  mergeHistogram(latency, b.latency);
  const values = columns.map(({ kind }, position) => {
    const [one, other] = [a.values[position] ?? 0, b.values[position] ?? 0];
    return kind === "seconds" ? Number(one) + Number(other) : addWhole(one, other);
  });
  return { ...a, values, latency };
}
