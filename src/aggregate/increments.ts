/**
 * Fold, inside: turns the minutes that a commit takes into the increments of every table, sorted by key so that writers of
 * different shards never wait for each other in a circle.
 */
import { serviceLatencyId, type ServiceLatencyKey } from "../model/dimensions.ts";
import { fitsRollupValue, ROLLUP_COLUMNS, rollupPosition } from "../model/rollup-columns.ts";
import {
  GRANULARITIES,
  type Granularity,
  type RollupIncrement,
  type ServiceLatencyIncrement,
} from "../model/rollup-store.ts";
import { LatencyParts } from "./latency-parts.ts";
import type { MinuteRow, Series } from "./series-table.ts";

/** What a commit writes of totals. */
export interface Increments {
  readonly rollups: Readonly<Record<Granularity, readonly RollupIncrement[]>>;
  readonly latencies: Readonly<Record<"minute" | "hourly", readonly ServiceLatencyIncrement[]>>;
}

/** The increments of these rows. The rows are used up: their histograms are taken out of them. */
export function incrementsOf(rows: readonly MinuteRow[], shard: number): Increments {
  const minutes = new Map<Series, Increment[]>();
  for (const row of rows) {
    const { series, bucketStart, values, carry } = row;
    const increment = { seriesId: series.id, bucketStart, values, carry, latency: row.latency.take() };
    const known = minutes.get(series);
    if (known) known.push(increment);
    else minutes.set(series, [increment]);
  }
  const bySeries = [...minutes].sort(([a], [b]) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  const rollups = { minute: [], hourly: [], daily: [] } as Record<Granularity, RollupIncrement[]>;
  for (const [, increments] of bySeries) {
    // Each granularity is made of the one before: an hour of many minutes is added up once.
    let finer: readonly Increment[] = increments;
    for (const { name, bucketSeconds } of GRANULARITIES) {
      finer = coarsened(finer, bucketSeconds);
      rollups[name].push(...finer);
    }
  }
  const latencies = minuteLatencies(bySeries, shard);
  return { rollups, latencies: { minute: sortedByKey(latencies), hourly: sortedByKey(hourlyLatencies(latencies)) } };
}

interface Increment extends RollupIncrement {
  readonly latency: LatencyParts;
}

/** One series' increments added up in longer buckets, oldest first. */
function coarsened(increments: readonly Increment[], bucketSeconds: number): Increment[] {
  const buckets = new Map<number, Increment[]>();
  for (const increment of increments) {
    const bucketStart = increment.bucketStart - (increment.bucketStart % bucketSeconds);
    const known = buckets.get(bucketStart);
    if (known) known.push(increment);
    else buckets.set(bucketStart, [increment]);
  }
  return [...buckets]
    .sort(([a], [b]) => a - b)
    .map(([bucketStart, parts]) => (parts.length === 1 ? { ...parts[0]!, bucketStart } : summed(parts, bucketStart)));
}

function summed(parts: readonly Increment[], bucketStart: number): Increment {
  const values = new Float64Array(ROLLUP_COLUMNS.length);
  const carry: [number, number][] = [];
  for (const part of parts) {
    part.values.forEach((amount, position) => {
      const sum = values[position]! + amount;
      if (fitsRollupValue(position, sum)) values[position] = sum;
      else carry.push([position, amount]);
    });
    for (const [position, amount] of part.carry) carry.push([position, amount]);
  }
  const latency = LatencyParts.sum(parts.map((part) => part.latency));
  return { seriesId: parts[0]!.seriesId, bucketStart, values, carry, latency };
}

const LATENCY_COUNT = rollupPosition("latency_count");
const LATENCY_SUM = rollupPosition("latency_sum_seconds");

interface LatencySum {
  readonly key: ServiceLatencyKey;
  readonly bucketStart: number;
  count: number;
  sumSeconds: number;
  readonly parts: LatencyParts[];
}

function minuteLatencies(
  bySeries: readonly (readonly [Series, readonly Increment[]])[],
  shard: number,
): readonly LatencySum[] {
  const sums = new LatencySums();
  for (const [{ dimensions, serviceKey }, increments] of bySeries) {
    for (const { bucketStart, values, carry, latency } of increments) {
      const count = values[LATENCY_COUNT]!;
      if (count === 0) continue;
      const { namespace, service, environment, side, protocol } = dimensions;
      const key = { namespace, service, environment, side, protocol, shard };
      const sum = sums.at(`${bucketStart}${serviceKey}`, key, bucketStart);
      sums.add(sum, { count, sumSeconds: values[LATENCY_SUM]!, parts: [latency] });
      for (const [position, amount] of carry) if (position === LATENCY_COUNT) sums.addCount(sum, amount);
    }
  }
  return sums.all();
}

function hourlyLatencies(minutes: readonly LatencySum[]): readonly LatencySum[] {
  const sums = new LatencySums();
  for (const minute of minutes) {
    const bucketStart = minute.bucketStart - (minute.bucketStart % 3600);
    sums.add(sums.at(`${bucketStart}${JSON.stringify(minute.key)}`, minute.key, bucketStart), minute);
  }
  return sums.all();
}

class LatencySums {
  readonly #byId = new Map<string, LatencySum>();
  readonly #further: LatencySum[] = [];

  at(id: string, key: ServiceLatencyKey, bucketStart: number): LatencySum {
    let sum = this.#byId.get(id);
    if (!sum) {
      sum = { key, bucketStart, count: 0, sumSeconds: 0, parts: [] };
      this.#byId.set(id, sum);
    }
    return sum;
  }

  add(sum: LatencySum, { count, sumSeconds, parts }: Pick<LatencySum, "count" | "sumSeconds" | "parts">): void {
    this.addCount(sum, count);
    sum.sumSeconds += sumSeconds;
    for (const part of parts) sum.parts.push(part);
  }

  /** Adds exactly: what would pass 2^53 becomes a further increment of the same row, and stores add those up. */
  addCount(sum: LatencySum, count: number): void {
    const { key, bucketStart } = sum;
    if (sum.count + count <= Number.MAX_SAFE_INTEGER) sum.count += count;
    else this.#further.push({ key, bucketStart, count, sumSeconds: 0, parts: [] });
  }

  all(): readonly LatencySum[] {
    return [...this.#byId.values(), ...this.#further];
  }
}

function sortedByKey(sums: readonly LatencySum[]): ServiceLatencyIncrement[] {
  return sums
    .map((sum) => ({ id: serviceLatencyId(sum.key), sum }))
    .sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : a.sum.bucketStart - b.sum.bucketStart))
    .map(({ sum: { parts, ...increment } }) => ({ ...increment, latency: LatencyParts.sum(parts) }));
}
