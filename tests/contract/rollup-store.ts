/** What every store of totals promises, run on each engine. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { GENERATED_COLUMNS, ROLLUP_COLUMNS, rollupPosition } from "../../src/model/rollup-columns.ts";
import type { RollupReader, RollupRow, RollupStore, ShardCommit } from "../../src/model/rollup-store.ts";
import { migrateUp } from "../../src/rollup/migrate.ts";
import {
  TEST_DAY,
  increment,
  minuteCommit,
  receiverCounts,
  routeDimensions,
  shardCommit,
} from "../support/shard-commits.ts";
import { type RollupDatabase, valueOf } from "./rollup-database.ts";

/** Runs the promises of a store of totals against an engine. */
export function describeRollupStore(engine: string, makeDatabase: () => Promise<RollupDatabase>): void {
  describe(`the totals in ${engine}`, () => {
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

    it("begins every shard at the start of its log", async () => {
      expect(valueOf(await store.offset(7))).toEqual({
        generation: 1,
        lastId: "0-0",
        logIdentity: "",
        persistedAt: 0,
        commits: 0,
        layout: 1,
        isFinished: false,
      });
      expect(valueOf(await store.offset(7))).toEqual({
        generation: 1,
        lastId: "0-0",
        logIdentity: "",
        persistedAt: 0,
        commits: 0,
        layout: 1,
        isFinished: false,
      });
      expect(valueOf(await store.birth())).toBe(TEST_DAY);
      expect((await store.ready()).kind).toBe("success");
    });

    it("adds up what commits bring, in every granularity", async () => {
      const add = increment(
        "/a",
        { bytes_in: 10, latency_sum_seconds: 0.5, connected_seconds: 1500 },
        new Map([[3, 1]]),
      );
      const all = { rollups: { minute: [add, add], hourly: [add], daily: [add] } };
      await commit(minuteCommit("0-0", "1-0", ["/a"], [], all));
      await commit(shardCommit("1-0", "2-0", all));
      const [row] = await minuteRows();
      expect(row?.dimensions).toEqual(routeDimensions("/a"));
      expect(row?.values).toMatchObject({ bytes_in: 40n, latency_sum_seconds: 2, connected_seconds: 6000n });
      expect(row?.latency).toEqual(new Map([[3, 4]]));
      for (const granularity of ["hourly", "daily"] as const) {
        const [total] = valueOf(await store.rows(granularity, TEST_DAY, TEST_DAY + 1));
        expect(total?.values).toMatchObject({ bytes_in: 20n, connected_seconds: 3000n });
      }
    });

    it("reads only the buckets asked for, by bucket and series", async () => {
      const buckets = [TEST_DAY + 60, TEST_DAY, TEST_DAY + 120];
      const adds = ["/b", "/a"].flatMap((route) => buckets.map((at) => increment(route, { frames: 1 }, new Map(), at)));
      await commit(minuteCommit("0-0", "1-0", ["/a", "/b"], adds));
      const rows = valueOf(await store.rows("minute", TEST_DAY, TEST_DAY + 120));
      expect(rows.map(({ bucketStart }) => bucketStart)).toEqual([TEST_DAY, TEST_DAY, TEST_DAY + 60, TEST_DAY + 60]);
      expect((rows[0]?.seriesId ?? 0n) < (rows[1]?.seriesId ?? 0n)).toBe(true);
    });

    it("is exact beyond 2^53, in every whole column", async () => {
      const largest = Number.MAX_SAFE_INTEGER;
      const whole = ROLLUP_COLUMNS.filter(({ kind }) => kind !== "seconds").map((column) => column.name);
      const add = increment("/big", Object.fromEntries(whole.map((column) => [column, largest])));
      for (let step = 0; step < 3; step += 1) {
        await commit(minuteCommit(`${step}-0`, `${step + 1}-0`, ["/big"], [add]));
      }
      const [row] = await minuteRows();
      for (const column of whole) expect(row?.values[column], column).toBe(3n * BigInt(largest));
      expect(row?.requests).toBe(3n * BigInt(largest));
    });

    it("adds what an increment carries beyond 2^53", async () => {
      const position = rollupPosition("wire_bytes_in");
      const largest = Number.MAX_SAFE_INTEGER;
      const base = increment("/a", { wire_bytes_in: largest, frames: 1 });
      const add = {
        ...base,
        carry: [
          [position, largest],
          [position, 5],
        ] as const,
      };
      await commit(minuteCommit("0-0", "1-0", ["/a"], [add, add, base]));
      expect((await minuteRows())[0]?.values).toMatchObject({ wire_bytes_in: 5n * BigInt(largest) + 10n, frames: 3n });
      const bad = { ...base, carry: [[position, Number.NaN]] as const };
      expect(await store.commit(minuteCommit("1-0", "2-0", [], [bad]))).toMatchObject({
        kind: "failure",
        code: "internal",
      });
    });

    it("answers conflict to a commit from elsewhere, and to the same commit again, and writes nothing of it", async () => {
      const first = minuteCommit("0-0", "1-0", ["/a"], [increment("/a", { bytes_in: 5 })], {
        ledger: [{ slot: 1, entries: new Uint8Array([1]), receivedAt: TEST_DAY }],
      });
      await commit(first);
      const elsewhere = minuteCommit("3-0", "4-0", ["/z"], [increment("/z", { bytes_in: 5 })]);
      const otherGeneration = { ...elsewhere, offset: { ...elsewhere.offset, generation: 2, fromId: "1-0" } };
      const otherShard = { ...elsewhere, shard: 5, offset: { ...elsewhere.offset, fromId: "1-0" } };
      for (const stale of [first, elsewhere, otherGeneration, otherShard]) {
        expect(await store.commit(stale)).toMatchObject({ kind: "failure", code: "conflict" });
      }
      expect((await minuteRows()).map(({ values }) => values["bytes_in"])).toEqual([5n]);
      expect(await database.query("SELECT * FROM series")).toHaveLength(1);
      expect(valueOf(await store.offset(0)).lastId).toBe("1-0");
    });

    it("lets exactly one of two owners commit from the same place", async () => {
      const other = await database.openStore();
      const add = minuteCommit("0-0", "1-0", ["/a"], [increment("/a", { bytes_in: 5 })]);
      const results = await Promise.all([store.commit(add), other.commit(add)]);
      expect(results.map(({ kind }) => kind).toSorted()).toEqual(["failure", "success"]);
      expect((await minuteRows())[0]?.values["bytes_in"]).toBe(5n);
    });

    it("begins another generation once, after which no commit of the one before is accepted", async () => {
      await commit(shardCommit("0-0", "1-0"));
      const from = valueOf(await store.offset(0));
      const to = { generation: 5, logIdentity: "opening five" };
      valueOf(await store.advanceGeneration(0, from, to));
      expect(valueOf(await store.offset(0))).toEqual({ ...from, ...to });
      const late = { kind: "failure", code: "conflict" };
      expect(await store.advanceGeneration(0, from, { generation: 6, logIdentity: "six" })).toMatchObject(late);
      expect(await store.advanceGeneration(0, { ...from, ...to, lastId: "0-0" }, to)).toMatchObject(late);
      expect(await store.commit(shardCommit("1-0", "2-0"))).toMatchObject(late);
      const offset = { generation: 5, fromId: "1-0", toId: "2-0", commits: 1 };
      await commit(shardCommit("1-0", "2-0", { offset }));
      expect(valueOf(await store.offset(0))).toMatchObject({ ...to, lastId: "2-0" });
    });

    it("answers conflict to a commit that follows others than its owner knows of, also when nothing was read", async () => {
      const conflict = { kind: "failure", code: "conflict" };
      const after = (commits: number, toId: string): ShardCommit =>
        shardCommit("0-0", toId, { offset: { generation: 1, fromId: "0-0", toId, commits } });
      await commit(after(0, "0-0"));
      // The same again, as after a lost reply: SQL would be one commit further than its owner knows.
      expect(await store.commit(after(0, "0-0"))).toMatchObject(conflict);
      expect(await store.commit(after(0, "1-0"))).toMatchObject(conflict);
      expect(await store.commit(after(2, "1-0"))).toMatchObject(conflict);
      expect(valueOf(await store.offset(0))).toMatchObject({ lastId: "0-0", commits: 1 });
      await commit(after(1, "1-0"));
      expect(valueOf(await store.offset(0))).toMatchObject({ lastId: "1-0", commits: 2 });
    });

    it("advances only the time of a commit with nothing new, however often", async () => {
      await commit(shardCommit("0-0", "0-0", { persistedAt: TEST_DAY + 60 }));
      await commit(shardCommit("0-0", "0-0", { persistedAt: TEST_DAY + 60 }));
      await commit(shardCommit("0-0", "0-0", { persistedAt: TEST_DAY + 120 }));
      expect(valueOf(await store.offset(0))).toEqual({
        generation: 1,
        lastId: "0-0",
        logIdentity: "",
        persistedAt: TEST_DAY + 120,
        commits: 3,
        layout: 1,
        isFinished: false,
      });
    });

    it("leaves nothing of a commit that another connection's lock stops, and takes it afterwards", async () => {
      await commit(minuteCommit("0-0", "1-0", ["/a"], [increment("/a", { bytes_in: 1 })]));
      const next = shardCommit("1-0", "2-0", {
        rollups: { minute: [increment("/a", { bytes_in: 2 })], hourly: [increment("/a", { bytes_in: 2 })], daily: [] },
        counterState: [{ stateKey: "a".repeat(32), slot: 1, state: new Uint8Array([1]), touchedAt: TEST_DAY }],
      });
      const stopped = await database.whileLocked(
        "UPDATE metrics_minute SET frames = frames + 0 WHERE bytes_in = 1",
        () => store.commit(next),
      );
      expect(stopped).toMatchObject({ kind: "retryable", code: "unavailable" });
      expect(valueOf(await store.offset(0)).lastId).toBe("1-0");
      expect(valueOf(await store.counterState(["a".repeat(32)]))).toEqual([]);
      await commit(next);
      expect((await minuteRows())[0]?.values["bytes_in"]).toBe(3n);
    });

    it.each([
      "metrics_minute",
      "metrics_daily",
      "service_latency_hourly",
      "receiver_minute",
      "counter_state",
      "ingest_ledger",
    ])("leaves nothing when writing %s fails", async (table) => {
      await database.query(`DROP TABLE ${table}`);
      const add = increment("/a", { bytes_in: 1 });
      const failed = await store.commit(fullCommit("0-0", "1-0", add));
      expect(failed).toMatchObject({ kind: "retryable", code: "unavailable" });
      expect(valueOf(await store.offset(0)).lastId).toBe("0-0");
      const others = [
        "series",
        "metrics_minute",
        "metrics_hourly",
        "receiver_minute",
        "counter_state",
        "ingest_ledger",
      ];
      for (const other of others.filter((candidate) => candidate !== table)) {
        expect(await database.query(`SELECT * FROM ${other}`), other).toEqual([]);
      }
    });

    it("refuses a series that was never written", async () => {
      const orphan = shardCommit("0-0", "1-0", { rollups: { minute: [increment("/x", {})], hourly: [], daily: [] } });
      expect((await store.commit(orphan)).kind).not.toBe("success");
      expect(await minuteRows()).toEqual([]);
    });

    it.each([Number.NaN, Number.POSITIVE_INFINITY, -1, 1.5, 2 ** 53])(
      "refuses %d as a count, before SQL",
      async (value) => {
        const writes = store.statementCounts().writes;
        const bad = minuteCommit("0-0", "1-0", ["/a"], [increment("/a", { bytes_in: value })]);
        expect(await store.commit(bad)).toMatchObject({ kind: "failure", code: "internal" });
        expect(store.statementCounts().writes).toBe(writes);
      },
    );

    it("refuses what is no duration and no histogram, and totals that move no offset", async () => {
      const sum = minuteCommit("0-0", "1-0", ["/a"], [increment("/a", { latency_sum_seconds: Number.NaN })]);
      const bucket = minuteCommit("0-0", "1-0", ["/a"], [increment("/a", {}, new Map([[0.5, 1]]))]);
      const still = minuteCommit("0-0", "0-0", ["/a"], [increment("/a", { frames: 1 })]);
      for (const bad of [sum, bucket, still]) {
        expect(await store.commit(bad)).toMatchObject({ kind: "failure", code: "internal" });
      }
      expect(await minuteRows()).toEqual([]);
    });

    it("generates requests, errors and the cost from what it stores", async () => {
      const values = {
        latency_count: 3,
        request_body_count: 7,
        response_body_count: 5,
        latency_error_count: 1,
        response_body_error_count: 2,
        relay_cost_nanos: 1234567891,
      };
      await commit(minuteCommit("0-0", "1-0", ["/a"], [increment("/a", values)]));
      expect((await minuteRows())[0]).toMatchObject({ requests: 7n, errors: 2n });
      const [row] = await database.query("SELECT relay_cost FROM metrics_minute");
      expect(Number(row?.["relay_cost"])).toBe(1.234567891);
    });

    it("has the columns of the table of columns, and no others", async () => {
      for (const table of ["metrics_minute", "metrics_hourly", "metrics_daily"]) {
        const stored = ROLLUP_COLUMNS.flatMap(({ name, kind }) => [name, database.columnName(name, kind)]);
        const generated = GENERATED_COLUMNS.map((column) => column.name);
        const expected = new Set([
          "series_id",
          "bucket_start",
          "protocol",
          "latency_histogram",
          ...stored,
          ...generated,
        ]);
        expect((await database.columns(table)).toSorted()).toEqual([...expected].toSorted());
      }
    });

    it.each(["'; DROP TABLE series; --", '"\\`%_?', "🦆 4 bytes", "ひらがな", "a\nb\tc", "Case", "case", "trailing "])(
      "stores the name %j as it is",
      async (route) => {
        await commit(minuteCommit("0-0", "1-0", [route], [increment(route, { frames: 1 })]));
        expect((await minuteRows())[0]?.dimensions.route).toBe(route);
      },
    );

    it("writes a series that is already there without harm", async () => {
      for (const step of [0, 1]) {
        await commit(minuteCommit(`${step}-0`, `${step + 1}-0`, ["/a"], [increment("/a", { frames: 1 })]));
      }
      expect((await minuteRows())[0]?.values["frames"]).toBe(2n);
    });

    it("answers unavailable once it is closed, and closes twice without harm", async () => {
      await store.close();
      await store.close();
      expect(await store.offset(0)).toMatchObject({ kind: "retryable", code: "unavailable" });
      expect(await store.commit(shardCommit("0-0", "1-0"))).toMatchObject({ kind: "retryable", code: "unavailable" });
    });
  });
}

function fullCommit(fromId: string, toId: string, add: ReturnType<typeof increment>): ShardCommit {
  const key = { ...routeDimensions(""), shard: 0 };
  const latency = { key, bucketStart: TEST_DAY, count: 1, sumSeconds: 1, latency: new Map([[1, 1]]) };
  return minuteCommit(fromId, toId, ["/a"], [], {
    rollups: { minute: [add], hourly: [add], daily: [add] },
    latencies: { minute: [latency], hourly: [latency] },
    receiver: [{ bucketStart: TEST_DAY, counts: receiverCounts({ entries: 1 }) }],
    counterState: [{ stateKey: "a".repeat(32), slot: 1, state: new Uint8Array([1]), touchedAt: TEST_DAY }],
    ledger: [{ slot: 1, receivedAt: TEST_DAY, entries: new Uint8Array([1]) }],
  });
}
