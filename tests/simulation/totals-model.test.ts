/** The model of the totals answers as MariaDB and SQLite do, command by command. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RollupReader, RollupStore } from "../../src/model/rollup-store.ts";
import { migrateUp, type MigrationDatabase } from "../../src/rollup/migrate.ts";
import { mysqlMigrationDatabase } from "../../src/rollup/mysql-migration-database.ts";
import { MysqlRollupStore } from "../../src/rollup/mysql-rollup-store.ts";
import { sqliteMigrationDatabase } from "../../src/rollup/sqlite-migration-database.ts";
import { openSqliteRollupStore } from "../../src/rollup/sqlite-rollup-store.ts";
import { valueOf } from "../support/log-entries.ts";
import { startMariadb } from "../support/mariadb-server.ts";
import { TEST_DAY } from "../support/shard-commits.ts";
import type { SqlServer } from "../support/sql-server.ts";
import { totalsTrace, tracedModel, tracedStore } from "./totals-traces.ts";

async function compare(
  seed: number,
  migrations: MigrationDatabase,
  open: () => RollupStore & RollupReader,
): Promise<void> {
  valueOf(await migrateUp(migrations, TEST_DAY));
  const store = open();
  try {
    const real = await totalsTrace(tracedStore(store), seed);
    expect(await totalsTrace(tracedModel(), seed), `seed ${seed}`).toEqual(real);
  } finally {
    await store.close();
  }
}

describe("the model of the totals, given the commands that SQLite was given,", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "otel-bandwidth-trace-"));
  });
  afterAll(async () => await rm(folder, { recursive: true, force: true }));

  it("gives the same answers", async () => {
    for (let seed = 1; seed <= 30; seed++) {
      const file = join(folder, `${seed}.db`);
      await compare(seed, sqliteMigrationDatabase({ file }), () => valueOf(openSqliteRollupStore({ file })));
    }
  });
});

describe("the model of the totals, given the commands that MariaDB was given,", () => {
  let server: SqlServer;
  beforeAll(async () => {
    server = await startMariadb();
  });
  afterAll(async () => await server.stop());

  it("gives the same answers", { timeout: 120_000 }, async () => {
    for (let seed = 101; seed <= 110; seed++) {
      const url = await server.createDatabase();
      await compare(seed, mysqlMigrationDatabase({ url }), () => new MysqlRollupStore({ url, lockWaitSeconds: 1 }));
    }
  });
});
