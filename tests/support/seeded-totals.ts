/** Totals for tests of what reads them: minutes are given, hours, days and the rows of services follow, all written through a store. */
import type { SeriesDimensions, ServiceLatencyKey } from "../../src/model/dimensions.ts";
import { seriesId, serviceLatencyId } from "../../src/model/dimensions.ts";
import { addToBucket, type LatencyHistogram, latencyIndex, mergeHistogram } from "../../src/model/latency-histogram.ts";
import type {
  ReceiverCounts,
  RollupIncrement,
  RollupStore,
  ServiceLatencyIncrement,
} from "../../src/model/rollup-store.ts";
import { receiverCounts, rollupValues, shardCommit } from "./shard-commits.ts";

/** What one series counted in one minute. */
export interface SeededMinute {
  readonly dimensions: SeriesDimensions;
  /** Any time of the minute, epoch seconds. */
  readonly atSeconds: number;
  /** Amounts by column; `millis` columns in milliseconds. Latency columns follow `latencies`. */
  readonly values: Readonly<Record<string, number>>;
  /** Durations or round trips, seconds. */
  readonly latencies?: readonly number[];
}

/** A series of a server of `service`. */
export function httpSeries(service: string, route: string, more: Partial<SeriesDimensions> = {}): SeriesDimensions {
  const named = {
    namespace: "shop",
    environment: "prod",
    method: "GET",
    statusCode: 200,
    meetingId: "",
    participantId: "",
  };
  return { protocol: "http", side: "server", service, route, ...named, ...more };
}

/** A participant of a meeting. */
export function webrtcSeries(meetingId: string, participantId: string, service = "meet"): SeriesDimensions {
  const named = { namespace: "shop", environment: "prod", method: "", route: "", statusCode: 0 };
  return { protocol: "webrtc", side: "client", service, meetingId, participantId, ...named };
}

/** Rows of a commit, by key. */
class Rows<T> {
  readonly #rows = new Map<string, T>();

  at(key: string, make: () => T): T {
    const row = this.#rows.get(key) ?? make();
    this.#rows.set(key, row);
    return row;
  }

  all(): T[] {
    return [...this.#rows.values()];
  }
}

/** Series of a commit's rows; some thousand rows a commit keep statements small. */
const MINUTES_PER_COMMIT = 5000;

/** Writes totals through a store, as one owner of one shard would, its commits one after another. */
export class SeededTotals {
  readonly #store: RollupStore;
  readonly #series = new Set<bigint>();
  #position = 0;

  /** @param store of a database that was migrated and into which nothing was committed */
  constructor(store: RollupStore) {
    this.#store = store;
  }

  /** Commits minutes and what follows of them; `persistedAt` is what the commit stands for. Throws when the store refuses. */
  async add(
    minutes: readonly SeededMinute[],
    persistedAt: number,
    receiver: Readonly<Record<number, Partial<ReceiverCounts>>> = {},
  ): Promise<void> {
    for (let from = 0; from === 0 || from < minutes.length; from += MINUTES_PER_COMMIT) {
      const health = from === 0 ? receiver : {};
      await this.#commit(minutes.slice(from, from + MINUTES_PER_COMMIT), persistedAt, health);
    }
  }

  async #commit(
    minutes: readonly SeededMinute[],
    persistedAt: number,
    receiver: Readonly<Record<number, Partial<ReceiverCounts>>>,
  ): Promise<void> {
    const rollups = {
      minute: new Rows<MutableRollup>(),
      hourly: new Rows<MutableRollup>(),
      daily: new Rows<MutableRollup>(),
    };
    const latencies = { minute: new Rows<Mutable>(), hourly: new Rows<Mutable>() };
    for (const minute of minutes) {
      addTo(rollups.minute, minute, 60);
      addTo(rollups.hourly, minute, 3600);
      addTo(rollups.daily, minute, 86_400);
      addLatency(latencies.minute, minute, 60);
      addLatency(latencies.hourly, minute, 3600);
    }
    if (this.#position === 0) unwrap(await this.#store.offset(0));
    const fresh = new Map(minutes.map(({ dimensions }) => [seriesId(dimensions), dimensions]));
    for (const known of this.#series) fresh.delete(known);
    const [fromId, toId] = [`${this.#position}-0`, `${this.#position + 1}-0`];
    const commit = shardCommit(fromId, toId, {
      persistedAt,
      series: [...fresh].map(([id, dimensions]) => ({ seriesId: id, dimensions })),
      rollups: { minute: rollups.minute.all(), hourly: rollups.hourly.all(), daily: rollups.daily.all() },
      latencies: { minute: latencies.minute.all(), hourly: latencies.hourly.all() },
      receiver: Object.entries(receiver).map(([at, counts]) => ({
        bucketStart: Number(at),
        counts: receiverCounts(counts),
      })),
    });
    unwrap(await this.#store.commit(commit));
    this.#position += 1;
    for (const id of fresh.keys()) this.#series.add(id);
  }
}

type MutableRollup = Omit<RollupIncrement, "latency"> & { readonly latency: LatencyHistogram };
type Mutable = {
  -readonly [K in keyof ServiceLatencyIncrement]: K extends "latency" ? LatencyHistogram : ServiceLatencyIncrement[K];
};

function addTo(rows: Rows<MutableRollup>, minute: SeededMinute, bucketSeconds: number): void {
  const id = seriesId(minute.dimensions);
  const bucketStart = Math.floor(minute.atSeconds / bucketSeconds) * bucketSeconds;
  const row = rows.at(`${id} ${bucketStart}`, () => ({
    seriesId: id,
    bucketStart,
    values: rollupValues({}),
    carry: [],
    latency: new Map(),
  }));
  const { count, sumSeconds, latency } = latencyOf(minute);
  const amounts = rollupValues({ latency_count: count, latency_sum_seconds: sumSeconds, ...minute.values });
  for (const [position, amount] of amounts.entries()) row.values[position] = row.values[position]! + amount;
  mergeHistogram(row.latency, latency);
}

function addLatency(rows: Rows<Mutable>, minute: SeededMinute, bucketSeconds: number): void {
  const { count, sumSeconds, latency } = latencyOf(minute);
  if (count === 0) return;
  const { namespace, service, environment, side, protocol } = minute.dimensions;
  const key: ServiceLatencyKey = { namespace, service, environment, side, protocol, shard: 0 };
  const bucketStart = Math.floor(minute.atSeconds / bucketSeconds) * bucketSeconds;
  const row = rows.at(`${serviceLatencyId(key)} ${bucketStart}`, () => ({
    key,
    bucketStart,
    count: 0,
    sumSeconds: 0,
    latency: new Map(),
  }));
  row.count += count;
  row.sumSeconds += sumSeconds;
  mergeHistogram(row.latency, latency);
}

function latencyOf({ latencies = [] }: SeededMinute): {
  count: number;
  sumSeconds: number;
  latency: Map<number, number>;
} {
  const latency = new Map<number, number>();
  let sumSeconds = 0;
  for (const seconds of latencies) {
    addToBucket(latency, latencyIndex(seconds), 1);
    sumSeconds += seconds;
  }
  return { count: latencies.length, sumSeconds, latency };
}

function unwrap(result: { readonly kind: string; readonly reason?: string }): void {
  if (result.kind !== "success") throw new Error(result.reason ?? result.kind);
}
