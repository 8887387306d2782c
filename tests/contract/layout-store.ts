/** What the store of the number of shards must do, and what a change of it does to owners. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ShardLayout } from "../../src/model/shard-layout.ts";
import { migrateDown, migrateUp } from "../../src/rollup/migrate.ts";
import { TEST_DAY, shardCommit } from "../support/shard-commits.ts";
import { type EngineStore, type RollupDatabase, valueOf } from "./rollup-database.ts";

const CONFLICT = { kind: "failure", code: "conflict" };
const UNAVAILABLE = { kind: "retryable", code: "unavailable" };

/** Runs the promises of a layout's store against an engine. */
export function describeLayoutStore(name: string, makeDatabase: () => Promise<RollupDatabase>): void {
  describe(`the number of shards in ${name}`, () => {
    let database: RollupDatabase;
    let store: EngineStore;
    beforeEach(async () => {
      database = await makeDatabase();
      valueOf(await migrateUp(database.migrations(), TEST_DAY));
      store = await database.openStore();
    });
    afterEach(async () => await database.remove());

    const layout = async (): Promise<ShardLayout> => valueOf(await store.layouts.layout());

    async function begin(shards: number): Promise<void> {
      valueOf(await store.layouts.want(await layout(), shards));
      for (let shard = 0; shard < shards; shard += 1) valueOf(await store.offset(shard));
    }

    async function finishAll(): Promise<void> {
      const { shardCount } = await layout();
      for (let shard = 0; shard < shardCount; shard += 1) {
        valueOf(await store.finish(shard, valueOf(await store.offset(shard))));
      }
    }

    async function changeTo(shards: number): Promise<void> {
      valueOf(await store.layouts.want(await layout(), shards));
      await finishAll();
      valueOf(await store.layouts.change(await layout()));
    }

    it("is none at first, and then what the first asks for, at once", async () => {
      const first = await layout();
      expect(first).toEqual({ epoch: 1, shardCount: 0, previousShardCount: 0, wantedShardCount: 0 });
      valueOf(await store.layouts.want(first, 3));
      expect(await store.layouts.want(first, 5)).toMatchObject(CONFLICT);
      expect(await layout()).toEqual({ epoch: 1, shardCount: 3, previousShardCount: 0, wantedShardCount: 3 });
    });

    it("is that of the totals where they are older than it", async () => {
      const migrations = database.migrations();
      const before = migrations.migrations.findIndex(({ name: migration }) => migration === "shard-layout");
      valueOf(await migrateDown(migrations, before));
      const insert = "INSERT INTO ingest_offset (shard, generation, last_id, persisted_at)";
      for (const shard of [0, 1, 2, 3]) await database.query(`${insert} VALUES (${shard}, 2, '9-0', 5)`);
      valueOf(await migrateUp(migrations, TEST_DAY));
      expect(await layout()).toMatchObject({ epoch: 1, shardCount: 4, wantedShardCount: 4 });
      expect(valueOf(await store.offset(3))).toMatchObject({ lastId: "9-0", layout: 1, isFinished: false });
    });

    it("is asked for by one of those that saw the same layout", async () => {
      await begin(2);
      const seen = await layout();
      valueOf(await store.layouts.want(seen, 8));
      expect(await store.layouts.want(seen, 4)).toMatchObject(CONFLICT);
      valueOf(await store.layouts.want(await layout(), 8));
      expect(await layout()).toMatchObject({ shardCount: 2, wantedShardCount: 8 });
    });

    it("is not given back once a change is asked for, but may be asked to become another", async () => {
      await begin(2);
      valueOf(await store.layouts.want(await layout(), 8));
      expect(await store.layouts.want(await layout(), 2)).toMatchObject(CONFLICT);
      valueOf(await store.layouts.want(await layout(), 3));
      await finishAll();
      valueOf(await store.layouts.change(await layout()));
      expect(await layout()).toMatchObject({ shardCount: 3, wantedShardCount: 3 });
    });

    it("changes only when every shard is finished, and once", async () => {
      await begin(2);
      valueOf(await store.layouts.want(await layout(), 3));
      const asked = await layout();
      expect(await store.layouts.change(asked)).toMatchObject(UNAVAILABLE);
      valueOf(await store.finish(0, valueOf(await store.offset(0))));
      expect(await store.layouts.change(asked)).toMatchObject(UNAVAILABLE);
      expect(await layout()).toEqual(asked);
      valueOf(await store.finish(1, valueOf(await store.offset(1))));
      valueOf(await store.layouts.change(asked));
      expect(await layout()).toEqual({ epoch: 2, shardCount: 3, previousShardCount: 2, wantedShardCount: 3 });
      expect(await store.layouts.change(asked)).toMatchObject(CONFLICT);
    });

    it("is changed by one of many that try at once", async () => {
      await begin(2);
      valueOf(await store.layouts.want(await layout(), 5));
      await finishAll();
      const asked = await layout();
      const others = await Promise.all([1, 2, 3, 4].map(async () => await database.openStore()));
      const changed = await Promise.all(others.map(async ({ layouts }) => await layouts.change(asked)));
      expect(changed.filter(({ kind }) => kind === "success")).toHaveLength(1);
      expect(await layout()).toMatchObject({ epoch: 2, shardCount: 5 });
    });

    it("lets no owner of before commit, open its log or finish a shard any more", async () => {
      await begin(2);
      valueOf(await store.commit(shardCommit("0-0", "7-0")));
      const before = valueOf(await store.offset(0));
      await changeTo(4);
      expect(await store.commit(shardCommit("7-0", "8-0"))).toMatchObject(CONFLICT);
      expect(await store.finish(0, before)).toMatchObject(CONFLICT);
      const next = { generation: before.generation + 1, logIdentity: "x" };
      expect(await store.advanceGeneration(0, before, next)).toMatchObject(CONFLICT);
      const now = valueOf(await store.offset(0));
      expect(now).toMatchObject({ lastId: "7-0", layout: 2, isFinished: false, commits: 2 });
      expect(now.generation).toBeGreaterThan(before.generation + 1);
    });

    it("lets no owner commit or open a log whose shard is finished", async () => {
      await begin(1);
      const before = valueOf(await store.offset(0));
      valueOf(await store.finish(0, before));
      expect(valueOf(await store.offset(0))).toMatchObject({ isFinished: true, lastId: "0-0" });
      expect(await store.commit(shardCommit("0-0", "1-0"))).toMatchObject(CONFLICT);
      expect(await store.advanceGeneration(0, before, { generation: 2, logIdentity: "x" })).toMatchObject(CONFLICT);
      expect(await store.finish(0, before)).toMatchObject(CONFLICT);
    });

    it("gives new shards the time up to which the others have counted, and no row to shards that are no more", async () => {
      await begin(2);
      for (const [shard, persistedAt] of [TEST_DAY + 3, TEST_DAY + 1].entries()) {
        valueOf(await store.commit(shardCommit("0-0", "0-0", { shard, shardCount: 2, persistedAt })));
      }
      await changeTo(4);
      expect(valueOf(await store.offset(3))).toMatchObject({ persistedAt: TEST_DAY + 1, lastId: "0-0" });
      await changeTo(2);
      expect(await store.offset(3)).toMatchObject(UNAVAILABLE);
      const rows = await database.query("SELECT shard FROM ingest_offset ORDER BY shard");
      expect(rows.map(({ shard }) => Number(shard))).toEqual([0, 1]);
    });

    it("numbers a log on where it was when its shard comes back", async () => {
      await begin(3);
      const { generation } = valueOf(await store.offset(2));
      const commit = shardCommit("0-0", "41-0", { shard: 2, shardCount: 3 });
      valueOf(await store.commit({ ...commit, offset: { ...commit.offset, generation } }));
      await changeTo(1);
      await changeTo(3);
      const back = valueOf(await store.offset(2));
      expect(back).toMatchObject({ lastId: "41-0", layout: 3, isFinished: false });
      expect(back.generation).toBeGreaterThan(generation);
    });
  });
}
