/** Whatever is committed, the totals are its exact sum, on each engine. */
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LatencyHistogram } from "../../src/model/latency-histogram.ts";
import type { RollupReader, RollupRow, RollupStore, ShardCommit } from "../../src/model/rollup-store.ts";
import { migrateUp } from "../../src/rollup/migrate.ts";
import { TEST_DAY, increment, minuteCommit, rollupValues } from "../support/shard-commits.ts";
import { type RollupDatabase, valueOf } from "./rollup-database.ts";

/** Runs the promise of exact sums against an engine. */
export function describeRollupArithmetic(engine: string, makeDatabase: () => Promise<RollupDatabase>): void {
  describe(`the arithmetic of the totals in ${engine}`, () => {
    let database: RollupDatabase;
    let store: RollupStore & RollupReader;

    beforeEach(async () => {
      database = await makeDatabase();
      valueOf(await migrateUp(database.migrations(), TEST_DAY));
      store = await database.openStore();
      valueOf(await store.offset(0));
    });
    afterEach(async () => await database.remove());

    const minuteRows = async (): Promise<readonly RollupRow[]> => valueOf(await store.rows("minute", 0, 2 ** 40));
    const commit = async (input: ShardCommit): Promise<void> => valueOf(await store.commit(input));

    it("gives the same totals as adding in memory, whatever the commits", async () => {
      let lastId = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(anIncrement, { maxLength: 12 }), { minLength: 1, maxLength: 4 }),
          async (commits) => {
            const before = new Map((await minuteRows()).map((row) => [`${row.seriesId}/${row.bucketStart}`, row]));
            for (const increments of commits) {
              const from = `${lastId}-0`;
              lastId += 1;
              await commit(
                minuteCommit(
                  from,
                  `${lastId}-0`,
                  ROUTES,
                  increments.map(({ make }) => make()),
                ),
              );
            }
            const expected = foldInMemory(
              before,
              commits.flat().map(({ make }) => make()),
            );
            expect(await totals(minuteRows)).toEqual(expected);
          },
        ),
        { numRuns: 12 },
      );
    });
  });
}

const ROUTES = ["/a", "/b", "/c"];

const anIncrement = fc
  .record({
    route: fc.constantFrom(...ROUTES),
    bucket: fc.constantFrom(0, 1, 90 * 1440),
    bytes: fc.maxSafeNat(),
    // Often none: then a commit leaves out the columns that HTTP does not have.
    millis: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat()),
    latency: fc.array(fc.tuple(fc.integer({ min: -1024, max: 1023 }), fc.integer({ min: 1, max: 1000 })), {
      maxLength: 4,
    }),
  })
  .map(({ route, bucket, bytes, millis, latency }) => ({
    make: () => increment(route, { bytes_out: bytes, relay_seconds: millis }, new Map(latency), TEST_DAY + bucket * 60),
  }));

interface PlainTotal {
  readonly bytes: bigint;
  readonly millis: bigint;
  readonly latency: readonly (readonly [number, number])[];
}

function plainTotal(bytes: bigint, millis: bigint, latency: LatencyHistogram): PlainTotal {
  return { bytes, millis, latency: [...latency].toSorted((a, b) => a[0] - b[0]) };
}

async function totals(read: () => Promise<readonly RollupRow[]>): Promise<Record<string, PlainTotal>> {
  const entries = (await read()).map((row) => [
    `${row.seriesId}/${row.bucketStart}`,
    plainTotal(BigInt(row.values["bytes_out"] ?? 0), BigInt(row.values["relay_seconds"] ?? 0), row.latency),
  ]);
  return Object.fromEntries(entries) as Record<string, PlainTotal>;
}

function foldInMemory(
  before: ReadonlyMap<string, RollupRow>,
  increments: readonly ReturnType<typeof increment>[],
): Record<string, PlainTotal> {
  const sums = new Map<string, { bytes: bigint; millis: bigint; latency: LatencyHistogram }>();
  for (const [key, row] of before) {
    const { values, latency } = row;
    const [bytes, millis] = [BigInt(values["bytes_out"] ?? 0), BigInt(values["relay_seconds"] ?? 0)];
    sums.set(key, { bytes, millis, latency: new Map(latency) });
  }
  const bytesAt = rollupValues({ bytes_out: 1 }).indexOf(1);
  const millisAt = rollupValues({ relay_seconds: 1 }).indexOf(1);
  for (const { seriesId, bucketStart, values, latency } of increments) {
    const key = `${seriesId}/${bucketStart}`;
    const sum = sums.get(key) ?? { bytes: 0n, millis: 0n, latency: new Map() };
    sum.bytes += BigInt(values[bytesAt] ?? 0);
    sum.millis += BigInt(values[millisAt] ?? 0);
    for (const [index, count] of latency) sum.latency.set(index, (sum.latency.get(index) ?? 0) + count);
    sums.set(key, sum);
  }
  return Object.fromEntries(
    [...sums].map(([key, { bytes, millis, latency }]) => [key, plainTotal(bytes, millis, latency)]),
  );
}
