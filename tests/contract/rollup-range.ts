/** No amount stops a shard: what would carry a total past 64 bits goes to quarantine, the rest is stored. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RollupIncrement, RollupReader, RollupStore, ShardCommit } from "../../src/model/rollup-store.ts";
import { rollupPosition } from "../../src/model/rollup-columns.ts";
import { migrateUp } from "../../src/rollup/migrate.ts";
import { MAX_QUARANTINE_BYTES_PER_SHARD, MAX_QUARANTINE_ROWS_PER_SHARD } from "../../src/rollup/retention.ts";
import { columnSums } from "../support/totals.ts";
import { TEST_DAY, increment, minuteCommit, routeDimensions, shardCommit } from "../support/shard-commits.ts";
import { type RollupDatabase, valueOf } from "./rollup-database.ts";

const GREATEST = Number.MAX_SAFE_INTEGER;
/** So many of the greatest amounts fill 64 bits up to 1023. */
const FILLING = 1024;

/** Runs the promises about vast totals and the size of quarantine against an engine. */
export function describeRollupRange(engine: string, makeDatabase: () => Promise<RollupDatabase>): void {
  describe(`the limits of totals and quarantine in ${engine}`, () => {
    let database: RollupDatabase;
    let store: RollupStore & RollupReader;
    let lastId = 0;

    beforeEach(async () => {
      database = await makeDatabase();
      valueOf(await migrateUp(database.migrations(), TEST_DAY));
      store = await database.openStore();
      valueOf(await store.offset(0));
      lastId = 0;
    });
    afterEach(async () => await database.remove());

    /** Commits the same increments to all granularities. */
    async function commit(increments: readonly RollupIncrement[], changes: Partial<ShardCommit> = {}): Promise<void> {
      const rollups = { minute: increments, hourly: increments, daily: increments };
      const from = `${lastId++}-0`;
      valueOf(await store.commit(minuteCommit(from, `${lastId}-0`, ["/a", "/b"], [], { rollups, ...changes })));
      expect(valueOf(await store.offset(0)).lastId).toBe(`${lastId}-0`);
    }

    function vast(column: string, times: number): RollupIncrement {
      const carry = Array.from({ length: times }, () => [rollupPosition(column), GREATEST] as const);
      return { ...increment("/a", {}), carry };
    }

    async function expectTotals(expected: Record<string, bigint>): Promise<void> {
      for (const granularity of ["minute", "hourly", "daily"] as const) {
        expect(await columnSums(store, granularity), granularity).toEqual(expected);
      }
    }

    const reasons = async (): Promise<string[]> =>
      (await database.query("SELECT reason FROM ingest_quarantine ORDER BY last_id, position")).map((row) =>
        String(row["reason"]),
      );

    it.each(["bytes_out", "relay_seconds"])(
      "%s fills 64 bits to the end, and what comes then is put aside",
      async (column) => {
        const full = BigInt(GREATEST) * BigInt(FILLING) + 1023n;
        await commit([vast(column, FILLING)]);
        await commit([increment("/a", { [column]: 1023 })]);
        await expectTotals({ [column]: full });
        for (let round = 0; round < 3; round += 1) {
          await commit([vast(column, FILLING), increment("/b", { frames: 1 })]);
        }
        await expectTotals({ [column]: full, frames: 3n });
        expect(await reasons()).toEqual(
          Array.from({ length: 3 }, () => expect.stringContaining(`a total would pass 2^63 - 1: ${column} of series`)),
        );
      },
    );

    it("is noticed though one commit alone holds too little for it", async () => {
      await commit([vast("bytes_out", FILLING)]);
      await commit([increment("/a", { bytes_out: 1024, bytes_in: 5 }), increment("/b", { bytes_out: 7 })]);
      await expectTotals({ bytes_out: BigInt(GREATEST) * BigInt(FILLING) + 7n, bytes_in: 5n });
      expect(await reasons()).toHaveLength(1);
      const [row] = await database.query("SELECT payload FROM ingest_quarantine");
      expect(JSON.parse(Buffer.from(row?.["payload"] as Uint8Array).toString())).toEqual([
        { bucketStart: TEST_DAY, column: "bytes_out", amount: "1024" },
      ]);
      const [counted] = await database.query("SELECT SUM(quarantined) AS quarantined FROM receiver_minute");
      expect(Number(counted?.["quarantined"])).toBe(1);
    });

    it("of a commit that alone is too much is put aside whole", async () => {
      await commit([vast("bytes_in", 3 * FILLING), increment("/b", { bytes_in: 3 })]);
      await expectTotals({ bytes_in: 3n });
      expect(await reasons()).toHaveLength(1);
    });

    it("holds for the latencies of services", async () => {
      const { namespace, service, environment, side, protocol } = routeDimensions("/a");
      const latency = { key: { namespace, service, environment, side, protocol, shard: 0 }, bucketStart: TEST_DAY };
      const full = Array.from({ length: FILLING }, () => ({
        ...latency,
        count: GREATEST,
        sumSeconds: 1,
        latency: new Map(),
      }));
      await commit([], { latencies: { minute: full, hourly: full } });
      const few = [{ ...latency, count: 2000, sumSeconds: 1, latency: new Map([[1, 2000]]) }];
      await commit([increment("/b", { frames: 1 })], { latencies: { minute: few, hourly: few } });
      const [row] = await database.query("SELECT latency_count AS observations FROM service_latency_hourly");
      expect(BigInt(String(row?.["observations"]))).toBe(BigInt(GREATEST) * BigInt(FILLING));
      expect(await reasons()).toEqual([expect.stringContaining("latency_count of service")]);
      await expectTotals({ frames: 1n });
    });

    it("quarantine takes no more rows than its limit, keeps the oldest, and the shard goes on", async () => {
      const rows = (count: number, reason: string) =>
        Array.from({ length: count }, () => ({
          logId: "1-0",
          receivedAt: TEST_DAY,
          reason,
          payload: new Uint8Array(1),
        }));
      await commit([], { quarantine: rows(MAX_QUARANTINE_ROWS_PER_SHARD - 2, "old") });
      await commit([increment("/b", { frames: 1 })], { quarantine: rows(5, "new") });
      await commit([increment("/b", { frames: 1 })], { quarantine: rows(5, "newer") });
      const held = Map.groupBy(await reasons(), (reason) => reason);
      expect([...held].map(([reason, all]) => [reason, all.length])).toEqual([
        ["old", MAX_QUARANTINE_ROWS_PER_SHARD - 2],
        ["new", 2],
      ]);
      await expectTotals({ frames: 2n });
      valueOf(await store.offset(1));
      valueOf(await store.commit(shardCommit("0-0", "1-0", { shard: 1, quarantine: rows(1, "of another shard") })));
      expect(await reasons()).toContain("of another shard");
    });

    it("quarantine takes no more bytes than its limit", async () => {
      const payload = new Uint8Array(1_048_576);
      const rows = Array.from({ length: 30 }, () => ({ logId: "1-0", receivedAt: TEST_DAY, reason: "big", payload }));
      for (let round = 0; round < 4; round += 1) await commit([], { quarantine: rows });
      const [held] = await database.query("SELECT SUM(LENGTH(payload)) AS bytes FROM ingest_quarantine");
      expect(Number(held?.["bytes"])).toBe(MAX_QUARANTINE_BYTES_PER_SHARD);
    });
  });
}
