/** The fold alone, without log and stores: decoding, finding each point's stream and series, and adding it up. */
import { ShardFold } from "../src/aggregate/shard-fold.ts";
import type { LogEntry } from "../src/model/ingest-log.ts";
import { walkMetrics } from "../src/otlp/walk-metrics.ts";
import { LoadGenerator, type PayloadName, PAYLOADS } from "./payloads.ts";
import { thousandsWithSpread } from "./statistics.ts";

/** How the bench is run. */
export interface FoldOptions {
  readonly payload: PayloadName;
  readonly rounds: number;
}

/** Points folded in each round. */
const POINTS_PER_ROUND = 100_000;

/** Runs the bench and prints its figures. Throws when the fold does not count the points that were encoded. */
export function benchFold({ payload, rounds }: FoldOptions): void {
  const kind = PAYLOADS[payload];
  const pointsPerRequest = kind.routes * 5 * kind.servicesPerRequest;
  // The first round also meets every stream for the first time.
  const requests = Math.max(Math.ceil(POINTS_PER_ROUND / pointsPerRequest), kind.services / kind.servicesPerRequest);
  const startMillis = Date.now();
  const generator = new LoadGenerator(kind, requests * (rounds + 1), startMillis);
  const fold = newFold(startMillis);
  const figures: number[] = [];
  let sequence = 0;
  for (let round = 0; round <= rounds; round += 1) {
    // A body is written over by its service's next export.
    const bodies = Array.from({ length: requests }, () => Buffer.from(generator.next()));
    const before = process.cpuUsage();
    for (const body of bodies) {
      sequence += 1;
      const entry = entryOf(body, sequence, startMillis);
      const unloaded = fold.unloadedScopes(entry, body);
      if (unloaded.length > 0) fold.install(unloaded, []);
      fold.fold(entry, body);
    }
    const { user, system } = process.cpuUsage(before);
    if (round > 0) figures.push((requests * pointsPerRequest) / ((user + system) / 1e6));
  }
  const counted = fold.counts.at(startMillis).points;
  const sent = sequence * pointsPerRequest;
  if (counted !== sent) throw new Error(`the fold counted ${counted} points, sent were ${sent}`);
  const streams = kind.services * kind.routes * 5;
  console.log(`fold ${payload}: ${thousandsWithSpread(figures)} points per CPU-second, ${streams} streams`);
}

function newFold(startMillis: number): ShardFold {
  return new ShardFold({
    shard: 0,
    walk: walkMetrics,
    maxSeries: 10_000,
    deltaMaxAgeMillis: 3_600_000,
    maxRecentDeltas: 1_000_000,
    maxStateBytes: 160_000_000,
    birthSeconds: Math.floor(startMillis / 1000) - 1,
    prices: { nanosPerUserHour: 0, nanosPerGigabyte: 0 },
  });
}

function entryOf(body: Buffer, sequence: number, receivedAtMillis: number): LogEntry {
  return {
    id: `${sequence}-0`,
    contentType: "protobuf",
    encoding: "identity",
    body,
    bodyHash: Buffer.alloc(0),
    receivedAtMillis,
  };
}
