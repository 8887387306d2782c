/**
 * The promise of the totals as properties: whatever the order, repetition and batching of what senders say, wherever
 * processes die, every count is in the totals once. A first point whose start is its time is none of it: it sets a baseline, so what
 * it adds depends on which point comes first.
 */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rollupPosition } from "../../src/model/rollup-columns.ts";
import { otlpRequest, type TestMetric } from "../support/otlp-request.ts";
import { CrashingHarness } from "./crashing-harness.ts";
import { at, BIRTH, type FoldHarness } from "./fold-harness.ts";

const BOUNDS = [0.01, 0.1, 1];
const SERVICES = ["a", "b", "c", "d"];
const RECEIVED = BIRTH + 1000;

/** One export of one stream, in the sender's own running or partial values. */
interface Step {
  readonly requests: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly bucket: number;
}

/** One process's stream of each metric; no point has its start for a time. */
interface Writer {
  readonly service: string;
  readonly start: number;
  readonly kind: "explicit" | "exponential" | "plain";
  readonly temporality: "cumulative" | "delta";
  readonly steps: readonly Step[];
}

interface Sent {
  readonly service: string;
  readonly metrics: readonly TestMetric[];
}

const step: fc.Arbitrary<Step> = fc.record({
  requests: fc.nat({ max: 2 ** 40 }),
  bytes: fc.integer({ min: 0, max: 2 ** 45 }),
  seconds: fc.nat({ max: 10 ** 9 }).map((millis) => millis / 1000),
  bucket: fc.nat({ max: 3 }),
});

const writer: fc.Arbitrary<Writer> = fc.record({
  service: fc.constantFrom(...SERVICES),
  start: fc.integer({ min: 0, max: 40 }),
  kind: fc.constantFrom("explicit", "exponential", "plain"),
  temporality: fc.constantFrom("cumulative", "delta"),
  steps: fc.array(step, { minLength: 1, maxLength: 6 }),
});

const writers = fc.uniqueArray(writer, {
  minLength: 1,
  maxLength: 6,
  selector: ({ service, start, temporality }) => `${service}${start}${temporality}`,
});

/** Many processes that send one identity. */
const crowd = fc.uniqueArray(
  writer.map((one): Writer => ({ ...one, service: "a", temporality: "cumulative", steps: one.steps.slice(0, 2) })),
  { minLength: 17, maxLength: 40, selector: ({ start }) => start },
);

/** What a writer sends: a request a step. */
function exportsOf({ service, start, kind, temporality, steps }: Writer): Sent[] {
  const isDelta = temporality === "delta";
  const buckets = [0n, 0n, 0n, 0n];
  let [requests, bytes, seconds] = [0, 0, 0];
  return steps.map((one, index) => {
    if (isDelta) {
      buckets.fill(0n);
      [requests, bytes, seconds] = [0, 0, 0];
    }
    requests += one.requests;
    bytes += one.bytes;
    seconds += one.seconds;
    buckets[one.bucket]! += BigInt(one.requests);
    const times = { start: at(isDelta ? start + 60 * index : start), time: at(start + 60 * (index + 1)) };
    const point = { ...times, count: BigInt(requests), sum: seconds };
    const name = "http.server.request.duration";
    const duration: TestMetric =
      kind === "exponential"
        ? {
            name,
            temporality,
            exponential: [{ ...point, scale: 3 + (index % 3), offset: -8, bucketCounts: [...buckets] }],
          }
        : kind === "explicit"
          ? { name, temporality, histogram: [{ ...point, bucketCounts: [...buckets], bounds: BOUNDS }] }
          : { name, temporality, histogram: [point] };
    const io: TestMetric = {
      name: "bandwidth.http.server.io",
      temporality,
      sum: [{ ...times, attributes: { "network.io.direction": "receive" }, value: BigInt(bytes) }],
    };
    return { service, metrics: [duration, io] };
  });
}

/** A random order of everything, some of it twice, in requests of random size; deaths and commits in between. */
interface Delivery {
  readonly ranks: readonly number[];
  readonly repeats: readonly number[];
  readonly sizes: readonly number[];
  readonly events: readonly ("nothing" | "commit" | "restart" | "crash")[];
}

const delivery: fc.Arbitrary<Delivery> = fc.record({
  ranks: fc.array(fc.nat(), { minLength: 100, maxLength: 100 }),
  repeats: fc.array(fc.nat({ max: 35 }), { maxLength: 12 }),
  sizes: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 5 }),
  events: fc.array(fc.constantFrom("nothing", "commit", "restart", "crash"), { minLength: 1, maxLength: 9 }),
});

function deliver(harness: CrashingHarness, all: readonly Sent[], { ranks, repeats, sizes, events }: Delivery): void {
  const repeated = all.length === 0 ? [] : repeats.map((index) => all[index % all.length]!);
  const queue = [...all, ...repeated]
    .map((sent, index) => ({ sent, rank: ranks[index]! }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ sent }) => sent);
  for (let batch = 0; queue.length > 0; batch += 1) {
    const parts = queue.splice(0, sizes[batch % sizes.length] ?? 1);
    const body = otlpRequest(
      parts.map(({ service, metrics }) => ({ attributes: { "service.name": service }, metrics })),
    );
    harness.receive(body, RECEIVED, { bodyHash: createHash("sha256").update(body).digest() });
    const event = events[batch % events.length]!;
    if (event === "commit") harness.commit();
    if (event === "restart") harness.restart();
    if (event === "crash") harness.crash();
  }
}

interface Expected {
  readonly requests: bigint;
  readonly bytes: bigint;
  readonly seconds: number;
}

function expectedOf(all: readonly Writer[]): Expected {
  const steps = all.flatMap((one) => one.steps);
  return {
    requests: steps.reduce((sum, one) => sum + BigInt(one.requests), 0n),
    bytes: steps.reduce((sum, one) => sum + BigInt(one.bytes), 0n),
    seconds: steps.reduce((sum, one) => sum + one.seconds, 0),
  };
}

function secondsOf(harness: FoldHarness): number {
  const position = rollupPosition("latency_sum_seconds");
  let sum = 0;
  for (const { rollups } of harness.increments) for (const { values } of rollups.daily) sum += values[position]!;
  return sum;
}

function expectExactly(harness: FoldHarness, { requests, bytes, seconds: wanted }: Expected): void {
  for (const granularity of ["minute", "hourly", "daily"] as const) {
    expect(harness.total("latency_count", granularity)).toBe(requests);
    expect(harness.total("wire_bytes_in", granularity)).toBe(bytes);
  }
  expect(Math.abs(secondsOf(harness) - wanted)).toBeLessThanOrEqual(1e-9 * (1 + wanted));
  expect([...harness.latency().values()].reduce((sum, count) => sum + BigInt(count), 0n)).toBe(requests);
  expect(harness.states.flatMap(({ quarantine }) => quarantine)).toEqual([]);
  expect(harness.counts["pointsFaulty"] ?? 0).toBe(0);
}

describe("writers begun after birth", () => {
  test("are counted exactly, whatever the order, repetition, batches and deaths", () => {
    fc.assert(
      fc.property(writers, delivery, (all, how) => {
        const harness = new CrashingHarness();
        deliver(harness, all.flatMap(exportsOf), how);
        expectExactly(harness, expectedOf(all));
      }),
      { numRuns: 150 },
    );
  });

  test("of one identity, up to forty, are counted exactly", () => {
    fc.assert(
      fc.property(crowd, delivery, (all, how) => {
        const harness = new CrashingHarness();
        deliver(harness, all.flatMap(exportsOf), how);
        expectExactly(harness, expectedOf(all));
      }),
      { numRuns: 60 },
    );
  });

  test("with room for two series are counted exactly in them and in the row of the others", () => {
    fc.assert(
      fc.property(writers, delivery, (all, how) => {
        const harness = new CrashingHarness({ maxSeries: 2 });
        deliver(harness, all.flatMap(exportsOf), how);
        expectExactly(harness, expectedOf(all));
        const services = new Set(all.map(({ service }) => service));
        const named = [...harness.fold.series.all()].filter(({ isOverflow }) => !isOverflow);
        expect(named.length).toBeLessThanOrEqual(Math.min(2, services.size));
      }),
      { numRuns: 60 },
    );
  });

  test("of a tenant with room for one series are counted exactly in it and in its row of the others", () => {
    fc.assert(
      fc.property(writers, delivery, (all, how) => {
        const harness = new CrashingHarness({ maxSeriesOf: () => 1 });
        deliver(harness, all.flatMap(exportsOf), how);
        expectExactly(harness, expectedOf(all));
        const named = [...harness.fold.series.all()].filter(({ isOverflow }) => !isOverflow);
        expect(named.length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 60 },
    );
  });

  test("never make a total fall", () => {
    fc.assert(
      fc.property(writers, delivery, (all, how) => {
        const harness = new CrashingHarness();
        deliver(harness, all.flatMap(exportsOf), { ...how, events: ["commit"] });
        for (const { rollups } of harness.increments) {
          for (const { values, latency } of Object.values(rollups).flat()) {
            expect(values.every((value) => value >= 0)).toBe(true);
            expect([...latency].every(([, count]) => count > 0)).toBe(true);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test("that were begun before birth are counted from their first point on, in order", () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), fc.array(fc.boolean()), (steps, deaths) => {
        const before: Writer = { service: "a", start: -500, kind: "explicit", temporality: "cumulative", steps };
        const harness = new CrashingHarness();
        exportsOf(before).forEach(({ metrics }, index) => {
          harness.receive(otlpRequest([{ metrics }]), RECEIVED + index);
          if (deaths[index]) harness.crash();
        });
        expectExactly(harness, expectedOf([{ ...before, steps: steps.slice(1) }]));
      }),
      { numRuns: 60 },
    );
  });
});
