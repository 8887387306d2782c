/** The totals on a replicated group of MySQL servers: members are lost in the middle of commits, asleep, and catching up. */
import { tmpdir } from "node:os";
import { createConnection } from "mysql2/promise";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadSettings } from "../../src/app/load-settings.ts";
import { openTotalsStore } from "../../src/app/stores.ts";
import { systemClock } from "../../src/model/clock.ts";
import type { RollupStore } from "../../src/model/rollup-store.ts";
import { eraseFromMysql } from "../../src/rollup/erase-participant.ts";
import { migrateUp } from "../../src/rollup/migrate.ts";
import { mysqlServers } from "../../src/rollup/mysql-address.ts";
import { checkMysqlCommitSize } from "../../src/rollup/mysql-commit-size.ts";
import { checkMysqlDurability } from "../../src/rollup/mysql-durability.ts";
import { mysqlMigrationDatabase } from "../../src/rollup/mysql-migration-database.ts";
import { MysqlRollupStore } from "../../src/rollup/mysql-rollup-store.ts";
import { type EngineStore, type PlainRow, type RollupDatabase, valueOf } from "../contract/rollup-database.ts";
import { describeRollupStore } from "../contract/rollup-store.ts";
import { describeRollupSideTables } from "../contract/rollup-side-tables.ts";
import { runCommand } from "../support/command.ts";
import { type GroupMember, type MysqlGroup, mysqlGroupObstacle, startMysqlGroup } from "../support/mysql-group.ts";
import { TEST_DAY, increment, minuteCommit } from "../support/shard-commits.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";

const obstacle = mysqlGroupObstacle();
const skipped = obstacle === undefined ? "" : ` (left out: ${obstacle})`;
const MINUTES = 60_000;

describe.skipIf(obstacle !== undefined)(`a group of MySQL servers${skipped}`, { timeout: 5 * MINUTES }, () => {
  let group: MysqlGroup;

  beforeAll(async () => {
    group = await startMysqlGroup();
  }, 5 * MINUTES);

  afterAll(async () => {
    await group?.stop();
  });

  async function makeDatabase(): Promise<RollupDatabase & { readonly url: string }> {
    const url = await group.createDatabase();
    const stores: RollupStore[] = [];
    const query = async (sql: string): Promise<PlainRow[]> => {
      const { port } = await group.primary();
      return await queryAt(`mysql://test@127.0.0.1:${port}${databaseOf(url)}`, sql);
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
      columns: async (table) =>
        (
          await query(
            `SELECT COLUMN_NAME AS name FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '${table}'`,
          )
        ).map((row) => String(row["name"])),
      async whileLocked(sql, work) {
        const { port } = await group.primary();
        const connection = await createConnection({ uri: `mysql://test@127.0.0.1:${port}${databaseOf(url)}` });
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

  async function migrated(): Promise<Awaited<ReturnType<typeof makeDatabase>>> {
    const database = await makeDatabase();
    valueOf(await migrateUp(database.migrations(), TEST_DAY));
    return database;
  }

  /** Sends a commit until its outcome is known, as the owner of a shard does. */
  async function settle(store: RollupStore, step: number): Promise<void> {
    const commit = minuteCommit(`${step}-0`, `${step + 1}-0`, ["/a"], [increment("/a", { bytes_in: 1 })]);
    for (;;) {
      const outcome = await store.commit(commit);
      if (outcome.kind === "success") return;
      const stored = await store.offset(0);
      if (stored.kind === "success" && stored.value.lastId === `${step + 1}-0`) return;
      if (outcome.kind === "failure") throw new Error(outcome.reason);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async function counted(url: string, member: GroupMember): Promise<number> {
    const [row] = await queryAt(`${member.url}${databaseOf(url)}`, "SELECT SUM(bytes_in) AS total FROM metrics_minute");
    return Number(row?.["total"]);
  }

  describeRollupStore("a group", makeDatabase);
  describeRollupSideTables("a group", makeDatabase);

  it("is reached at the member that takes writes, wherever it stands in the list", async () => {
    const database = await migrated();
    const primary = await group.primary();
    const others = group.members.filter((member) => member !== primary);
    const order = [...others, primary].map(({ port }) => `127.0.0.1:${port}`).join(",");
    const store = new MysqlRollupStore({ url: `mysql://test@${order}${databaseOf(database.url)}` });
    valueOf(await store.offset(0));
    await settle(store, 0);
    await store.close();
    const alone = new MysqlRollupStore({
      url: `mysql://test@${others.map(({ port }) => `127.0.0.1:${port}`).join(",")}${databaseOf(database.url)}`,
    });
    expect(await alone.ready()).toMatchObject({
      kind: "retryable",
      reason: expect.stringContaining("super_read_only is ON") as string,
    });
    await alone.close();
  });

  it("is migrated and used by somebody who has rights to the database alone", async () => {
    const url = await group.createDatabase();
    const primary = await group.primary();
    await queryAt(primary.url, "CREATE USER IF NOT EXISTS 'plain'@'127.0.0.1' IDENTIFIED BY ''");
    await queryAt(primary.url, `GRANT ALL PRIVILEGES ON ${databaseOf(url).slice(1)}.* TO 'plain'@'127.0.0.1'`);
    const plain = url.replace("test@", "plain@");
    valueOf(await migrateUp(mysqlMigrationDatabase({ url: plain }), TEST_DAY));
    const store = new MysqlRollupStore({ url: plain });
    valueOf(await store.offset(0));
    await settle(store, 0);
    valueOf(await store.maintain(TEST_DAY, TEST_DAY));
    await store.close();
  });

  it.each(["request", "reply"] as const)("loses its primary at the %s of COMMIT, and counts once", async (moment) => {
    const database = await migrated();
    const killed = await group.primary();
    const proxy = await startTcpProxy(killed.port);
    const url = database.url.replace(`:${killed.port}`, `:${proxy.port}`);
    const store = new MysqlRollupStore({ url, connectTimeoutMillis: 2000 });
    valueOf(await store.offset(0));
    await settle(store, 0);
    let ended: Promise<void> | undefined;
    proxy.once("COMMIT", moment, () => {
      ended = killed.kill();
      return moment === "request" ? "pass" : "cut";
    });
    for (let step = 1; step < 4; step += 1) await settle(store, step);
    await ended;
    expect(ended).toBeDefined();
    expect(await counted(database.url, await group.primary())).toBe(4);
    await store.close();
    await proxy.close();
    await group.restore();
    expect(await counted(database.url, killed)).toBe(4);
  });

  it("goes on while its primary is held still, which changes nothing and lets nobody read old state when it wakes up", async () => {
    const database = await migrated();
    const held = await group.primary();
    const options = { statementTimeoutMillis: 2000, connectTimeoutMillis: 2000 };
    const store = new MysqlRollupStore({ url: database.url, ...options });
    const atHeld = new MysqlRollupStore({ url: `${held.url}${databaseOf(database.url)}`, ...options });
    valueOf(await store.offset(0));
    await settle(store, 0);
    const sleeper = await createConnection({ uri: `${held.url}${databaseOf(database.url)}` });
    sleeper.on("error", () => undefined);
    await sleeper.query("BEGIN");
    await sleeper.query("UPDATE ingest_offset SET last_id = '9-9', commits = commits + 1 WHERE last_id = '1-0'");
    held.freeze();
    await new Promise((resolve) => setTimeout(resolve, 500));
    const lateCommit = sleeper.query("COMMIT").then(
      () => "committed",
      () => "refused",
    );
    const key = "a".repeat(32);
    const changed = { stateKey: key, slot: 1, state: Uint8Array.of(7), touchedAt: TEST_DAY };
    for (let step = 1; step < 3; step += 1) await settle(store, step);
    for (;;) {
      const outcome = await store.commit(minuteCommit("3-0", "4-0", [], [], { counterState: [changed] }));
      if (outcome.kind === "success") break;
    }
    const { commits } = valueOf(await store.offset(0));
    held.thaw();
    // Until it hears that it was left out it answers: never with state that is older than what is known to be committed.
    for (let asked = 0; asked < 20; asked += 1) {
      const answer = await atHeld.counterState([key], { shard: 0, commits });
      if (answer.kind === "success") expect(answer.value.map(({ state }) => [...state])).toEqual([[7]]);
    }
    expect(await lateCommit).toBe("refused");
    sleeper.destroy();
    await group.restore(1000);
    expect(await counted(database.url, held)).toBe(3);
    expect(valueOf(await store.offset(0)).lastId).toBe("4-0");
    await store.close();
    await atHeld.close();
  });

  it("has a new primary that has not applied everything yet, which takes nothing twice", async () => {
    const database = await migrated();
    const killed = await group.primary();
    const store = new MysqlRollupStore({ url: database.url, connectTimeoutMillis: 2000 });
    valueOf(await store.offset(0));
    await settle(store, 0);
    const others = group.members.filter((member) => member !== killed);
    // Nothing is applied there until the locks go: what is committed meanwhile waits in the queue of the members.
    const locks = await Promise.all(
      others.map(({ url }) => createConnection({ uri: `${url}${databaseOf(database.url)}` })),
    );
    for (const lock of locks) {
      await lock.query("SET GLOBAL group_replication_consistency = 'EVENTUAL'");
      await lock.query("LOCK TABLES ingest_offset READ");
    }
    for (let step = 1; step < 4; step += 1) await settle(store, step);
    await killed.kill();
    const elected = await group.primary();
    const behind = await createConnection({ uri: `${elected.url}${databaseOf(database.url)}` });
    const [stale] = (await behind.query("SELECT commits FROM ingest_offset WHERE shard = 0")) as unknown as [
      PlainRow[],
    ];
    expect(Number(stale[0]?.["commits"])).toBe(1);
    expect(await store.counterState(["a".repeat(32)], { shard: 0, commits: 4 })).toMatchObject({ kind: "retryable" });
    const released = new Promise<void>((resolve) => {
      setTimeout(() => {
        for (const lock of locks) lock.destroy();
        resolve();
      }, 1500);
    });
    // A commit that was taken before, sent again at once: the offset that it was made for is still the one that is read.
    const again = await store.commit(minuteCommit("1-0", "2-0", ["/a"], [increment("/a", { bytes_in: 1 })]));
    expect(again.kind).not.toBe("success");
    await released;
    await settle(store, 4);
    expect(await counted(database.url, elected)).toBe(5);
    behind.destroy();
    await store.close();
    await group.restore();
    for (const member of group.members) {
      await queryAt(member.url, "SET GLOBAL group_replication_consistency = 'BEFORE_ON_PRIMARY_FAILOVER'");
    }
  });

  it("is migrated once by receivers that come at the same time", async () => {
    const database = await makeDatabase();
    const migrations = [0, 1, 2].map(() => mysqlMigrationDatabase({ url: database.url }));
    const done = await Promise.all(migrations.map((one) => migrateUp(one, TEST_DAY)));
    const ran = done.map((one) => valueOf(one).length).sort((left, right) => left - right);
    expect(ran.slice(0, 2)).toEqual([0, 0]);
    expect(ran[2]).toBeGreaterThan(0);
  });

  it("is said to keep what it commits, and what is wrong is said of the member that it is wrong at", async () => {
    const url = await group.createDatabase();
    expect(await checkMysqlDurability({ url })).toEqual([]);
    const member = group.members[2]!;
    await queryAt(member.url, "SET GLOBAL sync_binlog = 0");
    const faults = await checkMysqlDurability({ url });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(`127.0.0.1:${member.port}: sync_binlog is 0`);
    await queryAt(member.url, "SET GLOBAL sync_binlog = 1");
  });

  it("is said to refuse commits of many series for their size, until they are compressed", async () => {
    const url = await group.createDatabase();
    const largest = { series: 10_000, minuteRows: 100_000 };
    const said = [expect.stringMatching(/limit is 150 MB: .* Set binlog_transaction_compression = ON on each member/)];
    expect(await checkMysqlCommitSize({ url }, largest)).toEqual(said);
    const loaded = loadSettings({ MYSQL_URL: url, DATA_DIR: tmpdir() });
    if (loaded.kind === "failure") throw new Error(loaded.faults.join("\n"));
    const totals = valueOf(openTotalsStore(loaded.settings, systemClock));
    expect(await totals.warnings()).toEqual(said);
    await totals.store.close();
    const compress = async (value: "ON" | "OFF"): Promise<void> => {
      for (const member of group.members) {
        await queryAt(member.url, `SET GLOBAL binlog_transaction_compression = ${value}`);
      }
    };
    await compress("ON");
    expect(await checkMysqlCommitSize({ url }, largest)).toEqual([]);
    await compress("OFF");
  });

  it("refuses a commit that is too large for it, says so, and goes on with what is not", async () => {
    const database = await migrated();
    const store = new MysqlRollupStore({ url: database.url });
    valueOf(await store.offset(0));
    const primary = await group.primary();
    await queryAt(primary.url, "SET GLOBAL group_replication_transaction_size_limit = 100");
    const commit = minuteCommit("0-0", "1-0", ["/a"], [increment("/a", { bytes_in: 1 })]);
    expect(await store.commit(commit)).toMatchObject({
      kind: "retryable",
      reason: expect.stringMatching(/before_commit.*doctor says what to set/) as string,
    });
    await queryAt(primary.url, "SET GLOBAL group_replication_transaction_size_limit = 150000000");
    await settle(store, 0);
    expect(await counted(database.url, primary)).toBe(1);
    await store.close();
  });

  it("is looked at by doctor, member by member, also when one is away", async () => {
    const { url } = await migrated();
    const environment = { MYSQL_URL: url, OTLP_PORT: "0", BRIDGE_PORT: "0", DATA_DIR: tmpdir() };
    const whole = await runCommand(["doctor"], environment);
    expect(whole.stdout.match(/^ok +SQL members: .* answers, ONLINE (PRIMARY|SECONDARY) /gm)).toHaveLength(3);
    expect(whole.stdout).toMatch(/^ok +SQL durability: /m);
    expect(whole.stdout).toMatch(/^warn SQL commits: a commit of 10000 busy series /m);
    const away = group.members.find(({ port }) =>
      whole.stdout.includes(`127.0.0.1:${port} answers, ONLINE SECONDARY`),
    )!;
    await away.kill();
    const without = await runCommand(["doctor"], environment);
    expect(without.stdout).toMatch(new RegExp(`^warn SQL members: 127.0.0.1:${away.port}: nothing listens`, "m"));
    expect(without.stdout.match(/^ok +SQL members: /gm)).toHaveLength(2);
    await group.restore();
  });

  it("forgets a person at the member that takes writes", async () => {
    const database = await migrated();
    const request = { participantId: "ada", nowSeconds: TEST_DAY, isDryRun: false };
    expect(valueOf(await eraseFromMysql({ url: database.url }, request)).series).toEqual([]);
  });
});

function databaseOf(url: string): string {
  return new URL(mysqlServers(url)[0]!).pathname;
}

async function queryAt(url: string, sql: string): Promise<PlainRow[]> {
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
    connection.destroy();
  }
}
