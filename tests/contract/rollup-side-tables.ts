/** What a store promises about everything beside the totals, run on each engine. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LEDGER_PAGE_SECONDS } from "../../src/model/rollup-store.ts";
import type { RollupReader, RollupStore, ShardCommit } from "../../src/model/rollup-store.ts";
import { migrateUp } from "../../src/rollup/migrate.ts";
import { RECEIVER_COLUMNS } from "../../src/rollup/side-rows.ts";
import { COUNTER_STATE_KEPT_SECONDS, MAX_QUARANTINE_PAYLOAD_BYTES } from "../../src/rollup/retention.ts";
import {
  TEST_DAY,
  increment,
  minuteCommit,
  receiverCounts,
  routeDimensions,
  shardCommit,
} from "../support/shard-commits.ts";
import { type PlainRow, type RollupDatabase, valueOf } from "./rollup-database.ts";

/** Runs the promises about health, state, ledger, quarantine and retention against an engine. */
export function describeRollupSideTables(engine: string, makeDatabase: () => Promise<RollupDatabase>): void {
  describe(`what stands beside the totals in ${engine}`, () => {
    let database: RollupDatabase;
    let store: RollupStore & RollupReader;

    beforeEach(async () => {
      database = await makeDatabase();
      valueOf(await migrateUp(database.migrations(), TEST_DAY));
      store = await database.openStore();
      valueOf(await store.offset(0));
    });
    afterEach(async () => await database.remove());

    const commit = async (input: ShardCommit): Promise<void> => valueOf(await store.commit(input));

    it("merges service latencies, one row a service and bucket", async () => {
      const key = { ...routeDimensions(""), shard: 0 };
      const add = { key, bucketStart: TEST_DAY, count: 2, sumSeconds: 0.25, latency: new Map([[1, 2]]) };
      const other = { ...add, key: { ...key, shard: 1 } };
      await commit(shardCommit("0-0", "1-0", { latencies: { minute: [add, add, other], hourly: [add] } }));
      await commit(shardCommit("1-0", "2-0", { latencies: { minute: [add], hourly: [] } }));
      const rows = await database.query(
        "SELECT service, shard, latency_count, latency_sum_seconds, latency_histogram FROM service_latency_minute ORDER BY shard",
      );
      expect(rows.map(plain)).toEqual([
        { service: "cart", shard: "0", latency_count: "6", latency_sum_seconds: "0.75", latency_histogram: "[[1,6]]" },
        { service: "cart", shard: "1", latency_count: "2", latency_sum_seconds: "0.25", latency_histogram: "[[1,2]]" },
      ]);
    });

    it("adds to our own health by minute", async () => {
      const receiver = [
        {
          bucketStart: TEST_DAY,
          counts: receiverCounts({
            entries: 1,
            pointsRefused: 2,
            pointsRefusedTime: 1,
            lagMillis: 40,
            commitMicros: 9,
          }),
        },
      ];
      await commit(shardCommit("0-0", "1-0", { receiver }));
      await commit(shardCommit("1-0", "2-0", { receiver: [...receiver, ...receiver] }));
      const [row] = (await database.query("SELECT * FROM receiver_minute")).map(plain);
      expect(row).toMatchObject({
        entries: "3",
        points_refused: "6",
        points_refused_time: "3",
        points_refused_value: "0",
        lag_millis: "120",
        commit_micros: "27",
        points: "0",
      });
      expect(Object.keys(row ?? {}).toSorted()).toEqual(
        ["bucket_start", "shard", ...RECEIVER_COLUMNS.map(([column]) => column)].toSorted(),
      );
    });

    it("keeps the newest counter state, byte by byte", async () => {
      const key = "0123456789abcdef0123456789abcdef";
      const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
      const row = { stateKey: key, slot: 1023, state: new Uint8Array([9]), touchedAt: TEST_DAY };
      await commit(shardCommit("0-0", "1-0", { counterState: [row] }));
      await commit(shardCommit("1-0", "2-0", { counterState: [{ ...row, state: bytes, touchedAt: TEST_DAY + 5 }] }));
      const rows = valueOf(await store.counterState(["f".repeat(32), key]));
      expect(rows.map((found) => ({ ...found, state: [...found.state] }))).toEqual([
        { stateKey: key, slot: 1023, touchedAt: TEST_DAY + 5, state: [...bytes] },
      ]);
      expect(valueOf(await store.counterState([]))).toEqual([]);
      const { commits } = valueOf(await store.offset(0));
      expect(valueOf(await store.counterState([key], { shard: 0, commits }))).toEqual(
        valueOf(await store.counterState([key])),
      );
      expect(valueOf(await store.counterState(["f".repeat(32)], { shard: 0, commits }))).toEqual([]);
    });

    it("gives the ledger of a shard from a time on, oldest first, and forgets what expired", async () => {
      const entry = (receivedAt: number, slot: number) => ({ slot, receivedAt, entries: new Uint8Array([slot]) });
      await commit(
        shardCommit("0-0", "1-0", { ledger: [entry(TEST_DAY + 10, 2), entry(TEST_DAY, 1), entry(TEST_DAY, 1)] }),
      );
      await commit(shardCommit("1-0", "2-0", { ledger: [entry(TEST_DAY + 20, 3)] }));
      const slots = async (from: number): Promise<number[]> =>
        valueOf(await store.ledger({ shard: 0, shardCount: 1 }, from)).rows.map((row) => row.slot);
      expect(await slots(TEST_DAY)).toEqual([1, 1, 2, 3]);
      expect(await slots(TEST_DAY + 10)).toEqual([2, 3]);
      const ofShard = async (shard: number): Promise<number[]> =>
        valueOf(await store.ledger({ shard, shardCount: 3 }, TEST_DAY)).rows.map((row) => row.slot);
      // As an owner does before it asks.
      for (const shard of [1, 2]) valueOf(await store.offset(shard));
      expect([await ofShard(0), await ofShard(1), await ofShard(2)]).toEqual([[3], [1, 1], [2]]);
      await commit(shardCommit("2-0", "3-0", { ledgerExpiredBefore: TEST_DAY + 10 }));
      expect(await slots(TEST_DAY)).toEqual([2, 3]);
      expect([...(valueOf(await store.ledger({ shard: 0, shardCount: 1 }, TEST_DAY)).rows[0]?.entries ?? [])]).toEqual([
        2,
      ]);
    });

    it("gives the ledger page by page, each with where the next begins, over any gap", async () => {
      const times = [0, 1, LEDGER_PAGE_SECONDS - 1, LEDGER_PAGE_SECONDS, 50 * LEDGER_PAGE_SECONDS];
      const ledger = times.map((seconds, slot) => ({
        slot: 3 * slot,
        receivedAt: TEST_DAY + seconds,
        entries: new Uint8Array([slot]),
      }));
      const ofAnother = { slot: 1, receivedAt: TEST_DAY + 10 * LEDGER_PAGE_SECONDS, entries: new Uint8Array([9]) };
      await commit(shardCommit("0-0", "1-0", { ledger: [...ledger, ofAnother] }));
      const page = async (from: number): Promise<unknown> => {
        const { rows, nextReceivedAt } = valueOf(await store.ledger({ shard: 0, shardCount: 3 }, from));
        return [rows.map((row) => row.receivedAt - TEST_DAY), nextReceivedAt && nextReceivedAt - TEST_DAY];
      };
      const [, , , second, third] = times;
      expect(await page(0)).toEqual([[], 0]);
      expect(await page(TEST_DAY)).toEqual([times.slice(0, 3), second]);
      expect(await page(TEST_DAY + second!)).toEqual([[second], third]);
      expect(await page(TEST_DAY + third!)).toEqual([[third], undefined]);
      expect(await page(TEST_DAY + third! + 1)).toEqual([[], undefined]);
    });

    it("puts metrics into quarantine, cut to what every server takes", async () => {
      const row = { logId: "1-0", receivedAt: TEST_DAY, reason: "r".repeat(600), payload: new Uint8Array(8) };
      const huge = { ...row, reason: "huge", payload: new Uint8Array(MAX_QUARANTINE_PAYLOAD_BYTES + 1) };
      await commit(shardCommit("0-0", "1-0", { quarantine: [row, huge, row] }));
      const rows = await database.query(
        "SELECT reason, LENGTH(payload) AS bytes FROM ingest_quarantine ORDER BY position",
      );
      expect(rows.map((found) => [String(found["reason"]).length, Number(found["bytes"])])).toEqual([
        [512, 8],
        [4, MAX_QUARANTINE_PAYLOAD_BYTES],
        [512, 8],
      ]);
    });

    it("empties counter state that nothing touched for 72 hours, and only that, and keeps its mark for 400 days", async () => {
      const state = (digit: string, touchedAt: number) => ({
        stateKey: digit.repeat(32),
        slot: 1,
        state: new Uint8Array([1]),
        touchedAt,
      });
      const now = TEST_DAY + 10 * 86_400;
      const limit = now - COUNTER_STATE_KEPT_SECONDS;
      await commit(shardCommit("0-0", "1-0", { counterState: [state("a", limit - 1), state("b", limit)] }));
      valueOf(await store.maintain(now, now));
      const rows = valueOf(await store.counterState(["a".repeat(32), "b".repeat(32)]));
      const sizes = rows.map(({ stateKey, state: bytes, touchedAt }) => [stateKey[0], bytes.length, touchedAt]);
      expect(sizes.toSorted(([a = ""], [b = ""]) => String(a).localeCompare(String(b)))).toEqual([
        ["a", 0, limit - 1],
        ["b", 1, limit],
      ]);
      valueOf(await store.maintain(now + 400 * 86_400, now + 400 * 86_400));
      expect(valueOf(await store.counterState(["a".repeat(32)]))).toEqual([]);
    });

    it("deletes by the time of retention, not by the clock, and remembers the latest", async () => {
      const later = TEST_DAY + 10 * 86_400;
      const state = { stateKey: "a".repeat(32), slot: 1, state: new Uint8Array([1]), touchedAt: TEST_DAY };
      const minute = [increment("/a", { frames: 1 })];
      valueOf(await store.maintain(TEST_DAY, TEST_DAY));
      await commit(minuteCommit("0-0", "1-0", ["/a"], minute, { counterState: [state] }));
      valueOf(await store.maintain(later, TEST_DAY + 3600));
      expect(valueOf(await store.rows("minute", 0, 2 ** 40))).toHaveLength(1);
      expect(valueOf(await store.counterState([state.stateKey]))[0]?.state).toHaveLength(1);
      valueOf(await store.maintain(TEST_DAY, TEST_DAY));
      expect(valueOf(await store.maintainedAt())).toBe(TEST_DAY + 3600);
    });

    it("takes the last commit for the time of retention where there was none, and nothing before it", async () => {
      expect(valueOf(await store.maintainedAt())).toBe(0);
      await commit(shardCommit("0-0", "1-0", { persistedAt: TEST_DAY + 86_400 }));
      expect(valueOf(await store.maintainedAt())).toBe(TEST_DAY + 86_400);
      valueOf(await store.maintain(TEST_DAY, TEST_DAY));
      expect(valueOf(await store.maintainedAt())).toBe(TEST_DAY);
    });

    it("forgets minutes past 48 hours and hours past 400 days, never days", async () => {
      const add = increment("/a", { frames: 1 });
      valueOf(await store.maintain(TEST_DAY, TEST_DAY));
      await commit(minuteCommit("0-0", "1-0", ["/a"], [], { rollups: { minute: [add], hourly: [add], daily: [add] } }));
      const counts = async (): Promise<number[]> =>
        Promise.all(
          (["minute", "hourly", "daily"] as const).map(async (g) => valueOf(await store.rows(g, 0, 2 ** 40)).length),
        );
      valueOf(await store.maintain(TEST_DAY + 48 * 3600, TEST_DAY + 48 * 3600));
      expect(await counts()).toEqual([1, 1, 1]);
      valueOf(await store.maintain(TEST_DAY + 4 * 86_400, TEST_DAY + 4 * 86_400));
      expect(await counts()).toEqual([0, 1, 1]);
      valueOf(await store.maintain(TEST_DAY + 440 * 86_400, TEST_DAY + 440 * 86_400));
      expect(await counts()).toEqual([0, 0, 1]);
    });
  });
}

function plain(row: PlainRow): Record<string, string> {
  // MySQL keeps JSON in a form of its own, with spaces.
  return Object.fromEntries(Object.entries(row).map(([key, value]) => [key, String(value).replaceAll(", ", ",")]));
}
