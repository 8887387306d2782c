/** The totals on a group in which every member takes writes: all receivers use the same one, and conflicts between members are retried. */
import { createConnection } from "mysql2/promise";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { migrateUp } from "../../src/rollup/migrate.ts";
import { mysqlServers } from "../../src/rollup/mysql-address.ts";
import { checkMysqlDurability } from "../../src/rollup/mysql-durability.ts";
import { mysqlMigrationDatabase } from "../../src/rollup/mysql-migration-database.ts";
import { MysqlRollupStore } from "../../src/rollup/mysql-rollup-store.ts";
import { valueOf } from "../contract/rollup-database.ts";
import { type MysqlGroup, mysqlGroupObstacle, startMysqlGroup } from "../support/mysql-group.ts";
import { TEST_DAY, increment, minuteCommit } from "../support/shard-commits.ts";

const obstacle = mysqlGroupObstacle();
const skipped = obstacle === undefined ? "" : ` (left out: ${obstacle})`;
const MINUTES = 60_000;

describe.skipIf(obstacle !== undefined)(`a group with several primaries${skipped}`, { timeout: 5 * MINUTES }, () => {
  let group: MysqlGroup;
  let database: string;
  let servers: readonly string[];

  beforeAll(async () => {
    group = await startMysqlGroup({ multiPrimary: true });
    const name = "shared";
    const connection = await createConnection({ uri: group.members[0]!.url });
    await connection.query(`CREATE DATABASE ${name}`);
    await connection.end();
    database = `${group.url}/${name}`;
    servers = mysqlServers(database);
    valueOf(await migrateUp(mysqlMigrationDatabase({ url: database }), TEST_DAY));
  }, 5 * MINUTES);

  afterAll(async () => {
    await group?.stop();
  });

  /** The members, the one first that has the lowest id: receivers use it. */
  async function byId(): Promise<readonly string[]> {
    const ids = await Promise.all(
      servers.map(async (url) => {
        const connection = await createConnection({ uri: url });
        const [rows] = await connection.query("SELECT @@server_uuid AS id");
        await connection.end();
        return { url, id: (rows as { id: string }[])[0]!.id };
      }),
    );
    return ids.toSorted((left, right) => (left.id < right.id ? -1 : 1)).map(({ url }) => url);
  }

  it("is used at one member by everybody, in whatever order they name them, which is said to be of no use", async () => {
    const [chosen, ...others] = await byId();
    const hosts = [...servers].reverse().map((url) => new URL(url).host);
    const store = new MysqlRollupStore({ url: `mysql://test@${hosts.join(",")}/shared` });
    valueOf(await store.offset(7));
    const alone = new MysqlRollupStore({
      url: `mysql://test@${others.map((url) => new URL(url).host).join(",")}/shared`,
    });
    expect(await alone.ready()).toMatchObject({
      kind: "retryable",
      reason: expect.stringContaining(`${new URL(chosen!).host} is chosen for writes`) as string,
    });
    expect(await checkMysqlDurability({ url: database })).toEqual([
      expect.stringContaining("takes writes at several members"),
    ]);
    await store.close();
    await alone.close();
  });

  it("lets one of two commits win that were made at different members, and the other is sent again", async () => {
    const [chosen, other] = await byId();
    const store = new MysqlRollupStore({ url: database });
    valueOf(await store.offset(0));
    const commit = (step: number) =>
      minuteCommit(`${step}-0`, `${step + 1}-0`, ["/a"], [increment("/a", { bytes_in: 1 })]);
    valueOf(await store.commit(commit(0)));

    // First the store's commit is certified: the other transaction is refused at its COMMIT.
    const elsewhere = await createConnection({ uri: other! });
    for (let seen = 0; seen === 0;) {
      const [rows] = await elsewhere.query("SELECT COUNT(*) AS seen FROM ingest_offset WHERE commits = 1");
      seen = (rows as { seen: number }[])[0]!.seen;
    }
    await elsewhere.query("BEGIN");
    await elsewhere.query("UPDATE ingest_offset SET persisted_at = persisted_at + 1 WHERE shard = 0");
    valueOf(await store.commit(commit(1)));
    await expect(elsewhere.query("COMMIT")).rejects.toThrow();

    // Then the other's: the store's, under way at its own member, leaves nothing, and is sent again.
    const lock = await createConnection({ uri: chosen! });
    await lock.query("BEGIN");
    await lock.query("SELECT * FROM metrics_minute FOR UPDATE");
    const pending = store.commit(commit(2));
    await new Promise((resolve) => setTimeout(resolve, 1000));
    for (let done = false; !done;) {
      done = await elsewhere.query("UPDATE ingest_offset SET persisted_at = persisted_at + 1 WHERE shard = 0").then(
        () => true,
        () => false,
      );
    }
    const first = await pending;
    expect(first.kind).toBe("retryable");
    await lock.query("ROLLBACK");
    while ((await store.commit(commit(2))).kind === "retryable");
    expect(valueOf(await store.offset(0))).toMatchObject({ lastId: "3-0", commits: 3 });
    const rows = valueOf(await store.rows("minute", 0, 2 ** 40));
    expect(rows.map(({ values }) => values["bytes_in"])).toEqual([3n]);
    lock.destroy();
    elsewhere.destroy();
    await store.close();
  });
});
