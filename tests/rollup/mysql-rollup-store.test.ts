/** The totals in a real MariaDB or MySQL keep the promises of the port, whatever happens to connections. */
import { createConnection } from "mysql2/promise";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seriesId } from "../../src/model/dimensions.ts";
import type { RollupStore } from "../../src/model/rollup-store.ts";
import { eraseFromMysql } from "../../src/rollup/erase-participant.ts";
import { migrateUp } from "../../src/rollup/migrate.ts";
import { mysqlMigrationDatabase } from "../../src/rollup/mysql-migration-database.ts";
import { MysqlRollupStore } from "../../src/rollup/mysql-rollup-store.ts";
import { withMysqlSnapshot } from "../../src/rollup/mysql-snapshot.ts";
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
import { startMariadb } from "../support/mariadb-server.ts";
import { TEST_DAY, increment, minuteCommit, routeDimensions, shardCommit } from "../support/shard-commits.ts";
import type { SqlServer } from "../support/sql-server.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";

let server: SqlServer;
beforeAll(async () => {
  server = await startMariadb();
});
afterAll(async () => await server.stop());

async function makeDatabase(): Promise<ErasureDatabase & { readonly url: string }> {
  const url = await server.createDatabase();
  const stores: RollupStore[] = [];
  const query = async (sql: string): Promise<PlainRow[]> => {
    const connection = await createConnection({
      uri: url,
      supportBigNumbers: true,
      bigNumberStrings: true,
      jsonStrings: true,
    });
    try {
      const [rows] = await connection.query(sql);
      return Array.isArray(rows) ? (rows as PlainRow[]) : [];
    } finally {
      await connection.end();
    }
  };
  return {
    url,
    migrations: () => mysqlMigrationDatabase({ url }),
    async openStore(): Promise<EngineStore> {
      const store = new MysqlRollupStore({ url, lockWaitSeconds: 1 });
      stores.push(store);
      return store;
    },
    query,
    snapshot: (work) => withMysqlSnapshot({ url }, work),
    erase: (request) => eraseFromMysql({ url, lockWaitSeconds: 1 }, request),
    columns: async (table) =>
      (
        await query(
          `SELECT COLUMN_NAME AS name FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '${table}'`,
        )
      ).map((row) => String(row["name"])),
    async whileLocked(sql, work) {
      const connection = await createConnection({ uri: url });
      try {
        await connection.query("BEGIN");
        await connection.query(sql);
        return await work();
      } finally {
        await connection.end();
      }
    },
    columnName: (name) => name,
    async remove() {
      for (const store of stores) await store.close();
    },
  };
}

describeRollupStore("MySQL", makeDatabase);
describeAlertMeasurements("MySQL", makeDatabase);
describeAlertStore("MySQL", async () => {
  const database = await makeDatabase();
  valueOf(await migrateUp(database.migrations(), TEST_DAY));
  const [{ alerts: first }, { alerts: second }] = [await database.openStore(), await database.openStore()];
  const thresholds = () => database.query("SELECT * FROM alert_thresholds ORDER BY rule");
  return { first, second, thresholds, remove: () => database.remove() };
});
describeRollupSideTables("MySQL", makeDatabase);
describeRollupRange("MySQL", makeDatabase);
describeRollupArithmetic("MySQL", makeDatabase);
describeRollupMigrations("MySQL", makeDatabase);
describeLayoutStore("MySQL", makeDatabase);
describeTotalsVerification("MySQL", makeDatabase);
describeParticipantErasure("MySQL", makeDatabase);

/** Commits with `count` series, whole tables of them. */
function wideCommit(from: string, to: string, count: number, bytes: number, bucketStart: number) {
  const routes = Array.from({ length: count }, (_, index) => `/route/${index}`);
  const adds = routes.map((route) => increment(route, { bytes_in: bytes }, new Map([[1, 1]]), bucketStart));
  return minuteCommit(from, to, from === "0-0" ? routes : [], [], {
    rollups: { minute: adds, hourly: adds, daily: adds },
  });
}

async function migrated(): Promise<Awaited<ReturnType<typeof makeDatabase>>> {
  const database = await makeDatabase();
  valueOf(await migrateUp(database.migrations(), TEST_DAY));
  return database;
}

describe("commits to MySQL", () => {
  it("of many series are exact to the row, and few statements", async () => {
    const database = await migrated();
    const store = await database.openStore();
    valueOf(await store.offset(0));
    valueOf(await store.commit(wideCommit("0-0", "1-0", 500, 3, TEST_DAY)));
    const before = store.statementCounts().writes;
    valueOf(await store.commit(wideCommit("1-0", "2-0", 500, 4, TEST_DAY)));
    expect(store.statementCounts().writes - before).toBeLessThanOrEqual(10);
    valueOf(await store.commit(wideCommit("2-0", "3-0", 499, 1, TEST_DAY + 60)));
    const rows = valueOf(await store.rows("minute", 0, 2 ** 40));
    expect(rows).toHaveLength(999);
    expect(
      rows.filter(({ bucketStart }) => bucketStart === TEST_DAY).every(({ values }) => values["bytes_in"] === 7n),
    ).toBe(true);
    expect(rows.every(({ latency, bucketStart }) => latency.get(1) === (bucketStart === TEST_DAY ? 2 : 1))).toBe(true);
    await database.remove();
  });

  it("leave a connection for short questions while more of them than there are connections are held up", async () => {
    const database = await migrated();
    const store = new MysqlRollupStore({ url: database.url, connectionLimit: 4, lockWaitSeconds: 60 });
    const shards = [0, 1, 2, 3, 4];
    for (const shard of shards) valueOf(await store.offset(shard));
    const counted = "SELECT COUNT(*) AS held FROM information_schema.PROCESSLIST WHERE DB = DATABASE()";
    const held = async (): Promise<number> => {
      const [row] = await database.query(`${counted} AND INFO LIKE 'UPDATE ingest_offset%'`);
      return Number(row!["held"]);
    };
    const commits = await database.whileLocked("SELECT shard FROM ingest_offset FOR UPDATE", async () => {
      const pending = shards.map((shard) => store.commit(shardCommit("0-0", "1-0", { shard, shardCount: 8 })));
      await expect.poll(held, { timeout: 20_000 }).toBeGreaterThanOrEqual(3);
      valueOf(await store.ready());
      expect(valueOf(await store.offset(0))).toMatchObject({ lastId: "0-0" });
      return pending;
    });
    for (const commit of commits) valueOf(await commit);
    for (const shard of shards) expect(valueOf(await store.offset(shard))).toMatchObject({ lastId: "1-0", commits: 1 });
    await store.close();
    await database.remove();
  });

  it("leave nothing when the connection dies in the middle, and the store goes on", async () => {
    const database = await migrated();
    const { port } = new URL(database.url);
    const proxy = await startTcpProxy(Number(port || 3306));
    const url = new URL(database.url);
    url.port = String(proxy.port);
    url.hostname = "127.0.0.1";
    const store = new MysqlRollupStore({ url: url.href, lockWaitSeconds: 1, statementTimeoutMillis: 500 });
    valueOf(await store.offset(0));
    const wide = wideCommit("0-0", "1-0", 20, 1, TEST_DAY);
    const stopped = await database.whileLocked("SELECT * FROM ingest_offset FOR UPDATE", async () => {
      const pending = store.commit(wide);
      proxy.replies("cut");
      return await pending;
    });
    expect(stopped).toMatchObject({ kind: "retryable", code: "unavailable" });
    proxy.replies("pass");
    const unsent = valueOf(await store.offset(0));
    if (unsent.lastId === "0-0") valueOf(await store.commit(wide));
    expect(await store.commit(wide)).toMatchObject({ kind: "failure", code: "conflict" });
    const rows = valueOf(await store.rows("daily", 0, 2 ** 40));
    expect(rows.map(({ values }) => values["bytes_in"])).toEqual(Array(20).fill(1n));
    await store.close();
    await proxy.close();
    await database.remove();
  });

  it("answer unavailable in time when the server says nothing, and close all the same", async () => {
    const database = await migrated();
    const target = new URL(database.url);
    const proxy = await startTcpProxy(Number(target.port || 3306));
    target.port = String(proxy.port);
    target.hostname = "127.0.0.1";
    const store = new MysqlRollupStore({ url: target.href, statementTimeoutMillis: 200, connectTimeoutMillis: 200 });
    valueOf(await store.offset(0));
    proxy.replies("stall");
    expect(await store.commit(shardCommit("0-0", "1-0"))).toMatchObject({ kind: "retryable", code: "unavailable" });
    expect(await store.ready()).toMatchObject({ kind: "retryable", code: "unavailable" });
    await store.close();
    await proxy.close();
    await database.remove();
  });

  it("are not followed by state from a server that has not seen them all", async () => {
    const database = await migrated();
    const store = await database.openStore();
    valueOf(await store.offset(0));
    const key = "a".repeat(32);
    const counterState = [{ stateKey: key, slot: 1, state: Uint8Array.of(7), touchedAt: TEST_DAY }];
    const ledger = [{ slot: 1, entries: Uint8Array.of(8), receivedAt: TEST_DAY }];
    valueOf(await store.commit(minuteCommit("0-0", "1-0", [], [], { counterState, ledger })));
    expect(valueOf(await store.counterState([key], { shard: 0, commits: 1 }))).toHaveLength(1);
    expect(valueOf(await store.ledger({ shard: 0, shardCount: 1 }, TEST_DAY, 1)).rows).toHaveLength(1);
    // To a server that is behind, what its reader knows of is in the future.
    for (const answer of [
      await store.counterState([key], { shard: 0, commits: 2 }),
      await store.ledger({ shard: 0, shardCount: 1 }, 0, 2),
    ]) {
      expect(answer).toMatchObject({
        kind: "retryable",
        reason: expect.stringContaining("this server has seen 1 commits of shard 0, of which there are 2") as string,
      });
    }
    valueOf(await store.commit(minuteCommit("1-0", "2-0", [], [])));
    expect(valueOf(await store.ledger({ shard: 0, shardCount: 1 }, TEST_DAY, 2)).rows).toHaveLength(1);
    await database.remove();
  });

  it("go to whichever server of a list answers, and say of each why not when none does", async () => {
    const database = await migrated();
    const proxy = await startTcpProxy(Number(new URL(database.url).port || 3306));
    const { pathname } = new URL(database.url);
    const [user] = database.url.split("@");
    const store = new MysqlRollupStore({ url: `${user}@127.0.0.1:1,127.0.0.1:${proxy.port}${pathname}` });
    valueOf(await store.offset(0));
    valueOf(await store.commit(minuteCommit("0-0", "1-0", ["/a"], [increment("/a", { bytes_in: 1 })])));
    await proxy.close();
    const lost = await store.ready();
    expect(lost).toMatchObject({ kind: "retryable", code: "unavailable" });
    expect(await store.ready()).toMatchObject({
      kind: "retryable",
      reason: expect.stringMatching(
        /no server takes writes: 127\.0\.0\.1:1: nothing listens .*; 127\.0\.0\.1:\d+: nothing listens/,
      ) as string,
    });
    await store.close();
    await database.remove();
  });

  it("of several shards at once add up, whoever waits for whom", async () => {
    const database = await migrated();
    const stores = await Promise.all([0, 1, 2].map(() => database.openStore()));
    await Promise.all(
      stores.map(async (store, shard) => {
        valueOf(await store.offset(shard));
        for (let step = 0; step < 5; step += 1) {
          const routes = Array.from({ length: 40 }, (_, index) => `/shard/${shard}/${index}`);
          const adds = routes.map((route) => increment(route, { bytes_in: 1 }));
          const input = minuteCommit(`${step}-0`, `${step + 1}-0`, routes, adds, { shard });
          // A deadlock is answered with unavailable: the same commit is sent again.
          while ((await store.commit(input)).kind === "retryable");
        }
      }),
    );
    const [sum] = await database.query("SELECT SUM(bytes_in) AS total, COUNT(*) AS found FROM metrics_minute");
    expect([Number(sum?.["total"]), Number(sum?.["found"])]).toEqual([600, 120]);
    await database.remove();
  });
});

describe("partitions in MySQL", () => {
  it("are dropped whole past retention and made ahead", async () => {
    const database = await migrated();
    const store = await database.openStore();
    valueOf(await store.offset(0));
    const names = async (table: string): Promise<string[]> =>
      (
        await database.query(
          `SELECT PARTITION_NAME AS name FROM information_schema.PARTITIONS
           WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '${table}' ORDER BY PARTITION_ORDINAL_POSITION`,
        )
      ).map((row) => String(row["name"]));
    expect(await names("metrics_minute")).toEqual(["p_max"]);
    valueOf(await store.maintain(TEST_DAY + 100, TEST_DAY + 100));
    expect(await names("metrics_minute")).toEqual([
      "p_until_20261121",
      "p_until_20261122",
      "p_until_20261123",
      "p_until_20261124",
      "p_until_20261125",
      "p_until_20261126",
      "p_max",
    ]);
    expect(await names("metrics_daily")).toEqual(["p_until_20270101", "p_until_20280101", "p_max"]);
    const add = increment("/a", { bytes_in: 1 });
    valueOf(await store.commit(minuteCommit("0-0", "1-0", ["/a"], [add])));
    valueOf(await store.maintain(TEST_DAY + 3 * 86_400, TEST_DAY + 3 * 86_400));
    expect((await names("metrics_minute"))[0]).toBe("p_until_20261124");
    expect(valueOf(await store.rows("minute", 0, 2 ** 40))).toEqual([]);
    await database.remove();
  });

  it("cost no write when nothing is due", async () => {
    const database = await migrated();
    const store = await database.openStore();
    valueOf(await store.maintain(TEST_DAY, TEST_DAY));
    const before = store.statementCounts().writes;
    valueOf(await store.maintain(TEST_DAY, TEST_DAY));
    expect(store.statementCounts().writes).toBe(before);
    await database.remove();
  });

  it("are left to another process that is at it", async () => {
    const database = await migrated();
    const stores = await Promise.all([0, 1, 2].map(() => database.openStore()));
    const results = await Promise.all(stores.map((store) => store.maintain(TEST_DAY, TEST_DAY)));
    expect(results.map(({ kind }) => kind)).toEqual(["success", "success", "success"]);
    await database.remove();
  });

  it("keep the rows that the last one held when it is cut", async () => {
    const database = await migrated();
    const store = await database.openStore();
    valueOf(await store.offset(0));
    const late = TEST_DAY + 30 * 86_400;
    valueOf(
      await store.commit(minuteCommit("0-0", "1-0", ["/a"], [increment("/a", { bytes_in: 8 }, new Map(), late)])),
    );
    valueOf(await store.maintain(late, late));
    const [row] = valueOf(await store.rows("minute", 0, 2 ** 40));
    expect([row?.seriesId, row?.values["bytes_in"]]).toEqual([seriesId(routeDimensions("/a")), 8n]);
    await database.remove();
  });
});
