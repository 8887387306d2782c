/** The totals in SQLite keep the promises of the port, and other processes may read along. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RollupStore } from "../../src/model/rollup-store.ts";
import { eraseFromSqlite } from "../../src/rollup/erase-participant.ts";
import { migrateUp } from "../../src/rollup/migrate.ts";
import { sqliteMigrationDatabase } from "../../src/rollup/sqlite-migration-database.ts";
import { openSqliteRollupStore } from "../../src/rollup/sqlite-rollup-store.ts";
import { withSqliteSnapshot } from "../../src/rollup/sqlite-snapshot.ts";
import { describeAlertMeasurements } from "../contract/alert-measurements.ts";
import { describeAlertStore } from "../contract/alert-store.ts";
import { describeLayoutStore } from "../contract/layout-store.ts";
import { describeParticipantErasure, type ErasureDatabase } from "../contract/participant-erasure.ts";
import { describeRollupMigrations } from "../contract/rollup-migrations.ts";
import { describeRollupArithmetic } from "../contract/rollup-arithmetic.ts";
import { type EngineStore, type PlainRow, valueOf } from "../contract/rollup-database.ts";
import { describeRollupRange } from "../contract/rollup-range.ts";
import { describeRollupSideTables } from "../contract/rollup-side-tables.ts";
import { describeRollupStore } from "../contract/rollup-store.ts";
import { describeTotalsVerification } from "../contract/totals-verification.ts";
import { TEST_DAY, increment, minuteCommit } from "../support/shard-commits.ts";

async function makeDatabase(): Promise<ErasureDatabase> {
  const folder = await mkdtemp(join(tmpdir(), "otel-bandwidth-sqlite-"));
  const file = join(folder, "totals.sqlite");
  const stores: RollupStore[] = [];
  const query = (sql: string): PlainRow[] => {
    const database = new DatabaseSync(file);
    try {
      const statement = database.prepare(sql);
      statement.setReadBigInts(true);
      return statement.all();
    } finally {
      database.close();
    }
  };
  return {
    migrations: () => sqliteMigrationDatabase({ file }),
    async openStore(): Promise<EngineStore> {
      const store = valueOf(openSqliteRollupStore({ file, busyTimeoutMillis: 50 }));
      stores.push(store);
      return store;
    },
    query: async (sql) => query(sql),
    snapshot: (work) => withSqliteSnapshot(file, work),
    erase: (request) => eraseFromSqlite({ file, busyTimeoutMillis: 50 }, request),
    columns: async (table) => query(`PRAGMA table_xinfo(${table})`).map((row) => String(row["name"])),
    async whileLocked(sql, work) {
      const database = new DatabaseSync(file);
      try {
        database.exec(`BEGIN IMMEDIATE; ${sql}`);
        return await work();
      } finally {
        database.close();
      }
    },
    columnName: (name, kind) => (kind === "millis" ? name.replace(/_seconds$/, "_millis") : name),
    async remove() {
      for (const store of stores) await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

describeRollupStore("SQLite", makeDatabase);
describeAlertMeasurements("SQLite", makeDatabase);
describeAlertStore("SQLite", async () => {
  const database = await makeDatabase();
  valueOf(await migrateUp(database.migrations(), TEST_DAY));
  const [{ alerts: first }, { alerts: second }] = [await database.openStore(), await database.openStore()];
  const thresholds = () => database.query("SELECT * FROM alert_thresholds ORDER BY rule");
  return { first, second, thresholds, remove: () => database.remove() };
});
describeRollupSideTables("SQLite", makeDatabase);
describeRollupRange("SQLite", makeDatabase);
describeRollupArithmetic("SQLite", makeDatabase);
describeRollupMigrations("SQLite", makeDatabase);
describeLayoutStore("SQLite", makeDatabase);
describeTotalsVerification("SQLite", makeDatabase);
describeParticipantErasure("SQLite", makeDatabase);

describe("a SQLite file of totals", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "otel-bandwidth-sqlite-"));
  });
  afterEach(async () => await rm(folder, { recursive: true, force: true }));

  it("can be read by another connection in the middle of that one's own reading", async () => {
    const file = join(folder, "totals.sqlite");
    valueOf(await migrateUp(sqliteMigrationDatabase({ file }), TEST_DAY));
    const store = valueOf(openSqliteRollupStore({ file, busyTimeoutMillis: 0 }));
    valueOf(await store.offset(0));
    const reader = new DatabaseSync(file, { readOnly: true });
    reader.exec("BEGIN");
    const count = (): unknown =>
      reader.prepare("SELECT COUNT(*) AS rows_found FROM metrics_minute").get()?.["rows_found"];
    expect(count()).toBe(0);
    valueOf(await store.commit(minuteCommit("0-0", "1-0", ["/a"], [increment("/a", { bytes_in: 1 })])));
    expect(count()).toBe(0);
    reader.exec("COMMIT");
    expect(count()).toBe(1);
    reader.close();
    await store.close();
  });

  it("is durable at every commit", async () => {
    const file = join(folder, "totals.sqlite");
    valueOf(await migrateUp(sqliteMigrationDatabase({ file }), TEST_DAY));
    const reader = new DatabaseSync(file, { readOnly: true });
    expect(reader.prepare("PRAGMA journal_mode").get()?.["journal_mode"]).toBe("wal");
    reader.close();
  });

  it("that cannot be opened is said to be unavailable", () => {
    expect(openSqliteRollupStore({ file: folder })).toMatchObject({ kind: "retryable", code: "unavailable" });
  });
});
