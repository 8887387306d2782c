/** The way to the member that takes writes: when another is looked for, and when not. Both addresses lead to one server here. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { MysqlDatabase } from "../../src/rollup/mysql-database.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { startMariadb } from "../support/mariadb-server.ts";
import type { SqlServer } from "../support/sql-server.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";

const WAIT = 60_000;

let server: SqlServer;
let url: string;
let first: TcpProxy;
let second: TcpProxy;
let clock: FakeClock;
let database: MysqlDatabase;

beforeAll(async () => {
  server = await startMariadb();
  url = await server.createDatabase();
});
afterAll(async () => await server.stop());
beforeEach(async () => {
  const { port, username, password, pathname } = new URL(url);
  [first, second] = [await startTcpProxy(Number(port)), await startTcpProxy(Number(port))];
  const user = password === "" ? username : `${username}:${password}`;
  const members = `mysql://${user}@127.0.0.1:${first.port},127.0.0.1:${second.port}${pathname}`;
  clock = new FakeClock(0);
  database = new MysqlDatabase({
    url: members,
    clock,
    connectionLimit: 1,
    queueLimit: 1,
    connectTimeoutMillis: WAIT,
    statementTimeoutMillis: 100 * WAIT,
  });
});
afterEach(async () => {
  await database.close();
  await Promise.all([first.close(), second.close()]);
});

const connectionId = async (): Promise<number> =>
  await database.withSession(async (session) => {
    const [row] = await session.rows("SELECT CONNECTION_ID() AS id", []);
    return Number(row!["id"]);
  });

/** Has the only connection until `end` is called. */
async function busy(): Promise<{ readonly end: () => void; readonly answer: Promise<number> }> {
  const began = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const answer = database.withSession(async (session) => {
    began.resolve();
    await held.promise;
    const [row] = await session.rows("SELECT CONNECTION_ID() AS id", []);
    return Number(row!["id"]);
  });
  answer.catch(() => undefined);
  await began.promise;
  return { end: held.resolve, answer };
}

describe("a database on several servers", () => {
  it("is looked for once by all who need it at once", async () => {
    const [one, other] = await Promise.all([connectionId(), connectionId()]);
    expect(one).toBe(other);
    const readOnly = Object.assign(new Error("it is read-only"), { errno: 1290 });
    await expect(database.withSession(() => Promise.reject(readOnly))).rejects.toThrow("it is read-only");
    const [next, again] = await Promise.all([connectionId(), connectionId()]);
    expect(next).toBe(again);
    expect(next).not.toBe(one);
  });

  it("is not left while its connections are only in use: what they do would be ended with them", async () => {
    const work = await busy();
    const late = expect(connectionId()).rejects.toThrow(`all 1 connections were in use for ${WAIT} ms`);
    await expect(connectionId()).rejects.toThrow("Queue limit reached.");
    await clock.advance(WAIT);
    await late;
    work.end();
    const id = await work.answer;
    expect(await connectionId()).toBe(id);
  });

  it("is left where its connections are in use because their server hangs", async () => {
    const atFirst = second.countRequests("offline_mode");
    const work = await busy();
    // All servers were asked for the first one that takes writes.
    await expect.poll(atFirst).toBe(1);
    const waiting = connectionId();
    first.replies("stall");
    // The first waits for a connection in use, then for one beside it; then all servers are asked, of which it is the first.
    const asked = second.countRequests("offline_mode");
    await clock.advance(WAIT);
    await clock.advance(WAIT);
    await expect.poll(asked).toBeGreaterThan(0);
    await clock.advance(WAIT);
    const id = await waiting;
    work.end();
    await expect(work.answer).rejects.toThrow();
    expect(await connectionId()).toBe(id);
  });
});
