/** Commits for tests of the totals' stores. */
import { type SeriesDimensions, seriesId } from "../../src/model/dimensions.ts";
import type { LatencyHistogram } from "../../src/model/latency-histogram.ts";
import { ROLLUP_COLUMNS, type RollupValues, rollupPosition } from "../../src/model/rollup-columns.ts";
import { noReceiverCounts } from "../../src/aggregate/fold-counts.ts";
import type { RollupIncrement, ReceiverCounts, ShardCommit } from "../../src/model/rollup-store.ts";

/** A time for tests, the start of a minute, an hour and a day: 2026-11-22T00:00:00Z. */
export const TEST_DAY = 1_795_305_600;

/** The dimensions of a series named by its route. */
export function routeDimensions(route: string): SeriesDimensions {
  return {
    protocol: "http",
    namespace: "shop",
    service: "cart",
    environment: "test",
    side: "server",
    method: "GET",
    route,
    statusCode: 200,
    meetingId: "",
    participantId: "",
  };
}

/** A value for every column: those given by name, else 0. */
export function rollupValues(named: Readonly<Record<string, number>>): RollupValues {
  const values = new Float64Array(ROLLUP_COLUMNS.length);
  for (const [name, value] of Object.entries(named)) values[rollupPosition(name)] = value;
  return values;
}

/** An increment of the series of a route. */
export function increment(
  route: string,
  named: Readonly<Record<string, number>>,
  latency: LatencyHistogram = new Map(),
  bucketStart: number = TEST_DAY,
): RollupIncrement {
  return { seriesId: seriesId(routeDimensions(route)), bucketStart, values: rollupValues(named), carry: [], latency };
}

/** A commit of shard 0 from one log id to another that changes nothing but what is given. */
export function shardCommit(fromId: string, toId: string, changes: Partial<ShardCommit> = {}): ShardCommit {
  return {
    shard: 0,
    shardCount: 1,
    offset: { generation: 1, fromId, toId, commits: undefined },
    persistedAt: TEST_DAY,
    series: [],
    rollups: { minute: [], hourly: [], daily: [] },
    latencies: { minute: [], hourly: [] },
    receiver: [],
    counterState: [],
    ledger: [],
    ledgerExpiredBefore: 0,
    quarantine: [],
    ...changes,
  };
}

/** A commit that adds to minute rows, with the series of the routes. */
export function minuteCommit(
  fromId: string,
  toId: string,
  routes: readonly string[],
  minute: readonly RollupIncrement[],
  changes: Partial<ShardCommit> = {},
): ShardCommit {
  return shardCommit(fromId, toId, {
    series: routes.map((route) => ({ seriesId: seriesId(routeDimensions(route)), dimensions: routeDimensions(route) })),
    rollups: { minute, hourly: [], daily: [] },
    ...changes,
  });
}

/** Receiver counts: those given, else 0. */
export function receiverCounts(counts: Partial<ReceiverCounts>): ReceiverCounts {
  return { ...noReceiverCounts(), ...counts };
}
