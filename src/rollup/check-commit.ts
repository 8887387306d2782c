/**
 * The last check before SQL: a commit that would store something that is not a total is a fault of our own and is refused
 * whole. A driver may turn NaN into the largest integer without a word.
 */
import { MAX_LATENCY_INDEX, MIN_LATENCY_INDEX } from "../model/latency-histogram.ts";
import type { LatencyCounts } from "../model/latency-histogram.ts";
import { failure, success } from "../model/result.ts";
import type { Result } from "../model/result.ts";
import { ROLLUP_COLUMNS } from "../model/rollup-columns.ts";
import { GRANULARITIES } from "../model/rollup-store.ts";
import type { RollupIncrement, ServiceLatencyIncrement, ShardCommit } from "../model/rollup-store.ts";

/** Success when every number of the commit can be stored exactly, else failure `internal` naming the first that cannot. */
export function checkCommit(commit: ShardCommit): Result<void> {
  const fault = faultOf(commit);
  return fault === undefined ? success(undefined) : failure("internal", `the commit is refused: ${fault}`);
}

function faultOf(commit: ShardCommit): string | undefined {
  for (const fault of faults(commit)) {
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function* faults(commit: ShardCommit): Generator<string | undefined> {
  yield wholeFault("persistedAt", commit.persistedAt);
  yield wholeFault("generation", commit.offset.generation);
  // Of two owners that make such a commit each takes the other's for its own, so it must not add anything.
  if (commit.offset.fromId === commit.offset.toId && addsAnything(commit)) {
    yield "it adds to totals without moving the offset";
  }
  // A minute alone in its hour and day is their histogram, too.
  const checked = new Set<LatencyCounts>();
  for (const { name } of GRANULARITIES) {
    for (const increment of commit.rollups[name]) yield rollupFault(increment, checked);
  }
  for (const name of ["minute", "hourly"] as const) {
    for (const increment of commit.latencies[name]) yield latencyFault(increment);
  }
  for (const { bucketStart, counts } of commit.receiver) {
    yield wholeFault("receiver bucketStart", bucketStart);
    for (const [name, count] of Object.entries(counts)) yield wholeFault(name, count as number);
  }
  for (const row of commit.counterState) yield wholeFault("touchedAt", row.touchedAt) ?? wholeFault("slot", row.slot);
  for (const row of commit.ledger) yield wholeFault("receivedAt", row.receivedAt) ?? wholeFault("slot", row.slot);
  for (const row of commit.quarantine) yield wholeFault("receivedAt", row.receivedAt);
}

function addsAnything({ rollups, latencies, receiver, ledger, quarantine }: ShardCommit): boolean {
  const lists = [...Object.values(rollups), ...Object.values(latencies), receiver, ledger, quarantine];
  return lists.some(({ length }) => length > 0);
}

function rollupFault(
  { seriesId, bucketStart, values, carry, latency }: RollupIncrement,
  checked: Set<LatencyCounts>,
): string | undefined {
  if (values.length !== ROLLUP_COLUMNS.length) return `series ${seriesId} has ${values.length} values`;
  // By position: this runs for every number of a commit, and pairs would be objects.
  for (let position = 0; position < values.length; position += 1) {
    const value = values[position];
    if (value === 0) continue;
    const column = ROLLUP_COLUMNS[position];
    if (!isAmount(value, column?.kind !== "seconds")) return `${column?.name} of series ${seriesId} is ${value}`;
  }
  for (const [position, amount] of carry) {
    const kind = ROLLUP_COLUMNS[position]?.kind;
    if (kind === undefined || kind === "seconds" || !isAmount(amount, true)) {
      return `series ${seriesId} carries ${amount} at ${position}`;
    }
  }
  const fault = wholeFault("bucketStart", bucketStart);
  if (fault !== undefined || checked.has(latency)) return fault;
  checked.add(latency);
  return histogramFault(latency);
}

function latencyFault({ bucketStart, count, sumSeconds, latency }: ServiceLatencyIncrement): string | undefined {
  if (!isAmount(sumSeconds, false)) return `sumSeconds is ${sumSeconds}`;
  return wholeFault("count", count) ?? wholeFault("bucketStart", bucketStart) ?? histogramFault(latency);
}

function histogramFault(histogram: LatencyCounts): string | undefined {
  let fault: string | undefined;
  histogram.forEach((count, index) => {
    const inRange = Number.isInteger(index) && index >= MIN_LATENCY_INDEX && index <= MAX_LATENCY_INDEX;
    if (!inRange || !isAmount(count, true)) fault ??= `latency bucket ${index} holds ${count}`;
  });
  return fault;
}

function wholeFault(name: string, value: number): string | undefined {
  return isAmount(value, true) ? undefined : `${name} is ${value}`;
}

function isAmount(value: number | undefined, whole: boolean): boolean {
  if (value === undefined || !(value >= 0)) return false;
  return whole ? Number.isSafeInteger(value) : Number.isFinite(value);
}
