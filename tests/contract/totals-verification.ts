/** Damaged totals are found, whole ones are left in peace, on each engine. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type SeriesDimensions, type ServiceLatencyKey, seriesId } from "../../src/model/dimensions.ts";
import { ROLLUP_COLUMNS } from "../../src/model/rollup-columns.ts";
import type {
  RollupIncrement,
  RollupReader,
  RollupStore,
  ServiceLatencyIncrement,
  ShardCommit,
} from "../../src/model/rollup-store.ts";
import type { Result } from "../../src/model/result.ts";
import { migrateUp } from "../../src/rollup/migrate.ts";
import { findSeriesFaults } from "../../src/rollup/series-faults.ts";
import { compareServiceLatencies } from "../../src/rollup/service-latency-differences.ts";
import {
  compareSums,
  firstWholeBucket,
  ROLLUP_PAIRS,
  SERVICE_LATENCY_PAIR,
  type SumComparison,
  type TablePair,
} from "../../src/rollup/sum-differences.ts";
import { negativeAmounts, quarantineSummary, unfoundedRelayCosts } from "../../src/rollup/totals-facts.ts";
import type { TotalsSnapshot } from "../../src/rollup/totals-snapshot.ts";
import { increment, receiverCounts, routeDimensions, shardCommit, TEST_DAY } from "../support/shard-commits.ts";
import { type RollupDatabase, valueOf } from "./rollup-database.ts";

/** An engine whose totals can be looked at as they are at one moment. */
export interface SnapshotDatabase extends RollupDatabase {
  snapshot<T>(work: (snapshot: TotalsSnapshot) => Promise<T>): Promise<Result<T>>;
}

/** Two hours after the first day: minutes of both days are kept. */
const NOW = TEST_DAY + 26 * 3600;
const ROUTES = ["/a", "/b", "/c"];
const [MINUTES_AND_HOURS, HOURS_AND_DAYS] = ROLLUP_PAIRS as [TablePair, TablePair];

/** Every column gets another amount, in these minutes of these routes: big ones, because doubles end at 2^53. */
function minutes(): RollupIncrement[] {
  const increments: RollupIncrement[] = [];
  for (const [at, route] of ROUTES.entries()) {
    for (const minute of [0, 1, 59, 60, 1439, 1440, 1500]) {
      const named = Object.fromEntries(
        ROLLUP_COLUMNS.map(({ name, kind }, index) => [
          name,
          kind === "seconds" ? 0.1 * (index + at) : 2 ** 50 + index + at * minute,
        ]),
      );
      const latency = new Map([
        [-3, 1 + at],
        [minute % 7, 2],
      ]);
      increments.push(increment(route, named, latency, TEST_DAY + minute * 60));
    }
  }
  return increments;
}

/** The same in longer buckets, several for one bucket. */
function longer(increments: readonly RollupIncrement[], seconds: number): RollupIncrement[] {
  return increments.map((one) => ({ ...one, bucketStart: one.bucketStart - (one.bucketStart % seconds) }));
}

function latencies(increments: readonly RollupIncrement[]): ServiceLatencyIncrement[] {
  const { namespace, service, environment, side, protocol }: SeriesDimensions = routeDimensions("/a");
  const key: ServiceLatencyKey = { namespace, service, environment, side, protocol, shard: 0 };
  const sum = ROLLUP_COLUMNS.findIndex(({ name }) => name === "latency_sum_seconds");
  return increments.map(({ bucketStart, values, latency }) => ({
    key,
    bucketStart,
    count: values[0]!,
    sumSeconds: values[sum]!,
    latency,
  }));
}

function wholeCommit(): ShardCommit {
  const all = minutes();
  return shardCommit("0-0", "1-0", {
    series: ROUTES.map((route) => ({ seriesId: seriesId(routeDimensions(route)), dimensions: routeDimensions(route) })),
    rollups: { minute: all, hourly: longer(all, 3600), daily: longer(all, 86_400) },
    latencies: { minute: latencies(all), hourly: latencies(longer(all, 3600)) },
    receiver: [{ bucketStart: TEST_DAY, counts: receiverCounts({ entries: 1 }) }],
  });
}

/** Runs the checks of `verify` against an engine. */
export function describeTotalsVerification(engine: string, makeDatabase: () => Promise<SnapshotDatabase>): void {
  describe(`verifying the totals in ${engine}`, () => {
    let database: SnapshotDatabase;
    let store: RollupStore & RollupReader;

    beforeEach(async () => {
      database = await makeDatabase();
      valueOf(await migrateUp(database.migrations(), TEST_DAY));
      store = await database.openStore();
      valueOf(await store.offset(0));
      valueOf(await store.commit(wholeCommit()));
    });
    afterEach(async () => await database.remove());

    const look = async <T>(work: (snapshot: TotalsSnapshot) => Promise<T>): Promise<T> =>
      valueOf(await database.snapshot(work));
    const compare = (pair: TablePair, now = NOW, kept = 10): Promise<SumComparison> =>
      look((snapshot) => compareSums(snapshot, pair, firstWholeBucket(pair, now), kept));
    const id = (route: string): bigint => seriesId(routeDimensions(route));

    it("finds nothing wrong with totals as they are committed", async () => {
      expect(await compare(MINUTES_AND_HOURS)).toEqual({ compared: 15, differing: 0, first: [] });
      expect(await compare(HOURS_AND_DAYS)).toEqual({ compared: 6, differing: 0, first: [] });
      expect(await compare(SERVICE_LATENCY_PAIR)).toEqual({ compared: 5, differing: 0, first: [] });
      expect(await look((snapshot) => compareServiceLatencies(snapshot, NOW, 10))).toEqual({ differing: 0, first: [] });
      expect(await look((snapshot) => findSeriesFaults(snapshot, 10))).toMatchObject({
        series: 3,
        missing: 0,
        changed: 0,
      });
      expect(await look((snapshot) => negativeAmounts(snapshot, 10))).toEqual({ days: 0, first: [] });
      expect(await look((snapshot) => unfoundedRelayCosts(snapshot, 10))).toEqual({ days: 0, first: [] });
      expect(await look((snapshot) => quarantineSummary(snapshot, 10))).toMatchObject({ metrics: 0, reasons: [] });
    });

    it("finds the smallest change of any column of any of the three tables", { timeout: 90_000 }, async () => {
      const bucket = TEST_DAY + 86_400;
      for (const { name, kind } of ROLLUP_COLUMNS) {
        const column = database.columnName(name, kind);
        const step = kind === "count" || column !== name ? "1" : kind === "millis" ? "0.001" : "0.0001";
        for (const [table, pair] of [
          ["metrics_minute", MINUTES_AND_HOURS],
          ["metrics_hourly", MINUTES_AND_HOURS],
          ["metrics_daily", HOURS_AND_DAYS],
        ] as const) {
          const where = `WHERE series_id = ${id("/b")} AND bucket_start = ${bucket}`;
          await database.query(`UPDATE ${table} SET ${column} = ${column} + ${step} ${where}`);
          const { differing, first } = await compare(pair);
          expect([differing, first[0]?.id, first[0]?.bucketStart], `${table}.${column}`).toEqual([1, id("/b"), bucket]);
          expect(first[0]?.columns.map((difference) => difference.name)).toEqual([column]);
          await database.query(`UPDATE ${table} SET ${column} = ${column} - ${step} ${where}`);
        }
      }
      expect(await compare(MINUTES_AND_HOURS)).toMatchObject({ differing: 0 });
    });

    it("finds a changed histogram, and says which bucket", async () => {
      await database.query(
        `UPDATE metrics_minute SET latency_histogram = '[[-3,1],[1,3]]'
         WHERE series_id = ${id("/a")} AND bucket_start = ${TEST_DAY + 60}`,
      );
      const { first } = await compare(MINUTES_AND_HOURS);
      expect(first).toEqual([
        {
          id: id("/a"),
          bucketStart: TEST_DAY,
          columns: [{ name: "latency_histogram", finer: "3 in bucket 1", coarser: "2 in bucket 1" }],
        },
      ]);
    });

    it("finds a deleted hour in both directions, and an hour that is in excess", async () => {
      const hour = `series_id = ${id("/c")} AND bucket_start = ${TEST_DAY + 3600}`;
      await database.query(`DELETE FROM metrics_hourly WHERE ${hour}`);
      const [missing] = (await compare(MINUTES_AND_HOURS)).first;
      expect(missing).toMatchObject({ id: id("/c"), bucketStart: TEST_DAY + 3600 });
      expect(missing?.columns[0]).toMatchObject({ name: "latency_count", coarser: "no row" });
      expect(await compare(HOURS_AND_DAYS)).toMatchObject({ differing: 1 });
      await database.query(`DELETE FROM metrics_minute WHERE ${hour}`);
      expect(await compare(MINUTES_AND_HOURS)).toMatchObject({ differing: 0, compared: 14 });
      await database.query(`DELETE FROM metrics_minute WHERE series_id = ${id("/a")}`);
      const excess = await compare(MINUTES_AND_HOURS);
      expect(excess).toMatchObject({ differing: 5 });
      expect(excess.first[0]?.columns[0]).toMatchObject({ finer: "no row" });
    });

    it("counts all differences and keeps the first", async () => {
      await database.query("UPDATE metrics_hourly SET bytes_in = bytes_in + 1");
      const comparison = await compare(MINUTES_AND_HOURS, NOW, 2);
      expect([comparison.differing, comparison.first.length]).toEqual([15, 2]);
    });

    it("does not miss minutes that were deleted for their age, also while they are being deleted", async () => {
      const now = NOW + 26 * 3600;
      valueOf(await store.maintain(now, now));
      expect(await compare(MINUTES_AND_HOURS, now)).toMatchObject({ differing: 0 });
      // All that retention may delete at most.
      await database.query(`DELETE FROM metrics_minute WHERE bucket_start < ${now - 48 * 3600}`);
      const { compared, differing } = await compare(MINUTES_AND_HOURS, now);
      expect([compared, differing]).toEqual([9, 0]);
    });

    it("compares whatever the number of series, a part at a time", { timeout: 90_000 }, async () => {
      const routes = Array.from({ length: 80 }, (_, index) => `/many/${index}`);
      const hours = Array.from({ length: 40 }, (_, hour) => TEST_DAY + hour * 3600);
      const all = routes.flatMap((route) => hours.map((at) => increment(route, { bytes_in: 1 }, new Map(), at)));
      const series = routes.map((route) => ({
        seriesId: id(route),
        dimensions: routeDimensions(route),
      }));
      const rollups = { minute: all, hourly: all, daily: longer(all, 86_400) };
      valueOf(await store.commit(shardCommit("1-0", "2-0", { series, rollups })));
      const now = TEST_DAY + 45 * 3600;
      expect(await compare(MINUTES_AND_HOURS, now)).toEqual({ compared: 15 + 80 * 40, differing: 0, first: [] });
      expect(await compare(HOURS_AND_DAYS, now)).toEqual({ compared: 6 + 80 * 2, differing: 0, first: [] });
      // Also when nothing tells their ids but the rows themselves.
      await database.query("DELETE FROM series");
      expect(await compare(MINUTES_AND_HOURS, now)).toEqual({ compared: 15 + 80 * 40, differing: 0, first: [] });
    });

    it("finds service latencies that count other than the rollups, either way", async () => {
      const hour = TEST_DAY + 86_400;
      await database.query(
        `UPDATE service_latency_hourly SET latency_count = latency_count - 2 WHERE bucket_start = ${hour}`,
      );
      expect(await compare(SERVICE_LATENCY_PAIR)).toMatchObject({ differing: 1 });
      const { differing, first } = await look((snapshot) => compareServiceLatencies(snapshot, NOW, 10));
      expect([differing, first[0]?.service, first[0]?.bucketStart]).toEqual([1, "shop cart test server http", hour]);
      expect(BigInt(first[0]!.rollups) - BigInt(first[0]!.latencies)).toBe(2n);
      await database.query("DELETE FROM service_latency_hourly");
      expect(await look((snapshot) => compareServiceLatencies(snapshot, NOW, 2))).toMatchObject({ differing: 5 });
    });

    it("finds ids without a series, and a series that was changed", async () => {
      await database.query(`DELETE FROM series WHERE series_id = ${id("/a")}`);
      await database.query(`UPDATE series SET route = '/other' WHERE series_id = ${id("/b")}`);
      expect(await look((snapshot) => findSeriesFaults(snapshot, 10))).toEqual({
        series: 2,
        missing: 1,
        firstMissing: [id("/a")],
        changed: 1,
        firstChanged: [id("/b")],
      });
    });

    it("finds amounts that folding cannot have made", async () => {
      await database.query(`UPDATE metrics_daily SET frames = -1 WHERE series_id = ${id("/a")}`);
      expect(await look((snapshot) => negativeAmounts(snapshot, 1))).toEqual({
        days: 2,
        first: [{ id: id("/a"), bucketStart: TEST_DAY }],
      });
      const seconds = database.columnName("relay_seconds", "millis");
      await database.query(`UPDATE metrics_daily SET ${seconds} = 0, relay_bytes = 0 WHERE bucket_start = ${TEST_DAY}`);
      expect(await look((snapshot) => unfoundedRelayCosts(snapshot, 10))).toMatchObject({ days: 3 });
    });

    it("sums up what is in quarantine", async () => {
      const row = (reason: string, receivedAt: number) => ({
        logId: "1-0",
        receivedAt,
        reason,
        payload: new Uint8Array(1),
      });
      const quarantine = [row("bad", TEST_DAY + 5), row("worse", TEST_DAY), row("bad", TEST_DAY + 9)];
      valueOf(await store.commit(shardCommit("1-0", "2-0", { quarantine })));
      expect(await look((snapshot) => quarantineSummary(snapshot, 10))).toEqual({
        metrics: 3,
        oldest: TEST_DAY,
        newest: TEST_DAY + 9,
        reasons: [
          { reason: "bad", metrics: 2 },
          { reason: "worse", metrics: 1 },
        ],
      });
    });

    it("sees one moment, whatever is committed meanwhile", async () => {
      const [before, after] = await look(async (snapshot) => {
        const first = await snapshot.rows("SELECT COUNT(*) AS found FROM metrics_minute");
        const add = increment("/a", { bytes_in: 1 }, new Map(), TEST_DAY + 120);
        valueOf(await store.commit(shardCommit("1-0", "2-0", { rollups: { minute: [add], hourly: [], daily: [] } })));
        return [first, await snapshot.rows("SELECT COUNT(*) AS found FROM metrics_minute")];
      });
      expect(after).toEqual(before);
      expect(valueOf(await store.rows("minute", 0, 2 ** 40))).toHaveLength(22);
    });
  });
}
