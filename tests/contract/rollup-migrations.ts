/** What migrations promise, run on each engine. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { migrateDown, migrateUp, migrationStatus } from "../../src/rollup/migrate.ts";
import { TEST_DAY } from "../support/shard-commits.ts";
import { type RollupDatabase, valueOf } from "./rollup-database.ts";

/** Runs the promises of migrations against an engine. */
export function describeRollupMigrations(name: string, makeDatabase: () => Promise<RollupDatabase>): void {
  describe(`the migrations of ${name}`, () => {
    let database: RollupDatabase;
    beforeEach(async () => {
      database = await makeDatabase();
    });
    afterEach(async () => await database.remove());

    it("go up, down and up again", async () => {
      const migrations = database.migrations();
      const names = migrations.migrations.map((migration) => migration.name);
      expect(valueOf(await migrateUp(migrations, TEST_DAY))).toEqual(names);
      expect(valueOf(await migrateUp(migrations, TEST_DAY + 1))).toEqual([]);
      expect(valueOf(await migrateDown(migrations, 0))).toEqual(names.toReversed());
      expect(await database.columns("metrics_minute")).toEqual([]);
      expect(valueOf(await migrateUp(migrations, TEST_DAY + 2))).toEqual(names);
      expect(valueOf(await migrationStatus(migrations)).map(({ appliedAt }) => appliedAt)).toEqual(
        names.map(() => TEST_DAY + 2),
      );
      const store = await database.openStore();
      expect(valueOf(await store.birth())).toBe(TEST_DAY + 2);
    });

    it("leave the store not ready until they ran", async () => {
      const store = await database.openStore();
      expect(await store.ready()).toMatchObject({ kind: "retryable", code: "unavailable" });
      expect(await store.birth()).toMatchObject({ kind: "retryable", code: "unavailable" });
      valueOf(await migrateUp(database.migrations(), TEST_DAY));
      valueOf(await migrateDown(database.migrations(), 1));
      expect(await store.ready()).toMatchObject({
        kind: "retryable",
        reason: expect.stringContaining("set-old-realtime-aside"),
      });
    });

    it("run once when two processes start at the same time", async () => {
      const results = await Promise.all([
        migrateUp(database.migrations(), TEST_DAY),
        migrateUp(database.migrations(), TEST_DAY),
      ]);
      const counts = results.map((result) => valueOf(result).length).toSorted((a, b) => a - b);
      expect(counts).toEqual([0, database.migrations().migrations.length]);
    });

    it("run to the end after they were cut short", async () => {
      const migrations = database.migrations();
      const [first] = migrations.migrations;
      // The first half of migration 1 ran, and the process ended before it was recorded.
      for (const { sql } of first?.up.slice(0, 3) ?? []) await database.query(sql);
      expect(valueOf(await migrateUp(migrations, TEST_DAY))).toHaveLength(migrations.migrations.length);
      expect(await database.columns("counter_state")).not.toEqual([]);
    });

    it("run to the end after a later one was cut short, and go down when it was", async () => {
      const migrations = database.migrations();
      const last = migrations.migrations.at(-1);
      const without = { ...migrations, migrations: migrations.migrations.slice(0, -1) };
      valueOf(await migrateUp(without, TEST_DAY));
      for (const { sql } of last?.up.slice(0, 1) ?? []) await database.query(sql);
      expect(valueOf(await migrateUp(migrations, TEST_DAY))).toEqual([last?.name]);
      for (const { sql } of last?.down.slice(0, 1) ?? []) await database.query(sql);
      expect(valueOf(await migrateDown(migrations, 0))).toHaveLength(migrations.migrations.length);
    });

    it("refuse a migration that was changed after it was applied, and name it", async () => {
      const migrations = database.migrations();
      valueOf(await migrateUp(migrations, TEST_DAY));
      const changed = migrations.migrations.map((migration) => ({ ...migration, checksum: "0".repeat(64) }));
      const result = await migrateUp({ ...migrations, migrations: changed }, TEST_DAY);
      expect(result).toMatchObject({ kind: "failure", code: "invalid", reason: expect.stringContaining("totals") });
    });

    it("let a newer version be that has added to the database, and take nothing back of it", async () => {
      const migrations = database.migrations();
      valueOf(await migrateUp(migrations, TEST_DAY));
      const older = { ...migrations, migrations: migrations.migrations.slice(0, 1) };
      expect(await migrateUp(older, TEST_DAY)).toEqual({ kind: "success", value: [] });
      expect(await migrateDown(older, 0)).toMatchObject({
        kind: "retryable",
        reason: expect.stringContaining("of a newer version"),
      });
      expect(valueOf(await migrateUp(migrations, TEST_DAY))).toEqual([]);
    });

    it("set an earlier system's metrics_realtime aside with its rows, and give it back", async () => {
      await database.query("CREATE TABLE metrics_realtime (id INTEGER NOT NULL PRIMARY KEY)");
      await database.query("INSERT INTO metrics_realtime (id) VALUES (41)");
      valueOf(await migrateUp(database.migrations(), TEST_DAY));
      expect(await database.columns("metrics_realtime")).toEqual([]);
      expect(await database.query("SELECT id FROM metrics_realtime_legacy")).toHaveLength(1);
      valueOf(await migrateDown(database.migrations(), 1));
      expect(Number((await database.query("SELECT id FROM metrics_realtime"))[0]?.["id"])).toBe(41);
      expect(await database.columns("metrics_realtime_legacy")).toEqual([]);
    });
  });
}
