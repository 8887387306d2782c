/** The starter of a replicated group, which tests of fail-over rest on. */
import { createConnection } from "mysql2/promise";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type MysqlGroup, mysqlGroupObstacle, startMysqlGroup } from "./mysql-group.ts";

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

  it("has three members that are online, of which one takes writes", async () => {
    expect(await group.states()).toEqual(["ONLINE", "ONLINE", "ONLINE"]);
    const primary = await group.primary();
    await write(primary.url, "CREATE DATABASE first");
    const secondary = group.members.find((member) => member !== primary)!;
    await expect(write(secondary.url, "CREATE DATABASE second")).rejects.toThrow("super-read-only");
  });

  it("elects another primary when the first is killed, which comes back with what was written meanwhile", async () => {
    const killed = await group.primary();
    await killed.kill();
    const elected = await group.primary();
    expect(elected).not.toBe(killed);
    await write(elected.url, "CREATE DATABASE written_meanwhile");
    await group.restore();
    expect(await databases(killed.url)).toContain("written_meanwhile");
  });

  it("elects another primary when the first is held still, which is none when it wakes up", async () => {
    const held = await group.primary();
    held.freeze();
    const elected = await group.primary();
    expect(elected).not.toBe(held);
    await write(elected.url, "CREATE DATABASE written_in_the_pause");
    held.thaw();
    await group.restore(1000);
    expect(await group.states()).toEqual(["ONLINE", "ONLINE", "ONLINE"]);
    expect(await group.primary()).toBe(elected);
    expect(await databases(held.url)).toContain("written_in_the_pause");
  });
});

async function write(url: string, sql: string): Promise<void> {
  const connection = await createConnection({ uri: url });
  try {
    await connection.query(sql);
  } finally {
    connection.destroy();
  }
}

async function databases(url: string): Promise<readonly string[]> {
  const connection = await createConnection({ uri: url, rowsAsArray: true });
  try {
    const [rows] = await connection.query("SHOW DATABASES");
    return (rows as unknown as readonly (readonly [string])[]).map(([name]) => name);
  } finally {
    connection.destroy();
  }
}
