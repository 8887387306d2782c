/** The way to the member that takes writes: when another is looked for, and when not. Both addresses lead to one server here. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { MysqlDatabase } from "../../src/rollup/mysql-database.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { startMariadb } from "../support/mariadb-server.ts";
import type { SqlServer } from "../support/sql-server.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";

const WAIT = 60_000;
const STATEMENT_WAIT = 100 * WAIT;

/** By the real clock: connecting takes long on a busy machine. */
const SOON = { timeout: 20_000 };

let server: SqlServer;
let url: string;
let members: string;
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
  members = `mysql://${user}@127.0.0.1:${first.port},127.0.0.1:${second.port}${pathname}`;
  clock = new FakeClock(0);
  database = open(1);
});
afterEach(async () => {
  await database.close();
  await Promise.all([first.close(), second.close()]);
});

function open(connectionLimit: number): MysqlDatabase {
  return new MysqlDatabase({
    url: members,
    clock,
    connectionLimit,
    queueLimit: 1,
    connectTimeoutMillis: WAIT,
    statementTimeoutMillis: STATEMENT_WAIT,
  });
}

/** The same with another number of connections. */
async function withConnections(connectionLimit: number): Promise<void> {
  await database.close();
  database = open(connectionLimit);
}

const refusal = (errno: number): Error => Object.assign(new Error(`refused with ${errno}`), { errno });

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
    await expect(database.withSession(() => Promise.reject(refusal(1290)))).rejects.toThrow("refused with 1290");
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
    await expect.poll(atFirst, SOON).toBe(1);
    const waiting = connectionId();
    first.replies("stall");
    // The first waits for a connection in use, then for one beside it; then all servers are asked, of which it is the first.
    const asked = second.countRequests("offline_mode");
    await clock.advance(WAIT);
    await clock.advance(WAIT);
    await expect.poll(asked, SOON).toBeGreaterThan(0);
    await clock.advance(WAIT);
    const id = await waiting;
    work.end();
    await expect(work.answer).rejects.toThrow();
    expect(await connectionId()).toBe(id);
  });

  it("is not left for one statement that takes too long: what others do there goes on", async () => {
    await withConnections(2);
    const work = await busy();
    const asked = first.countRequests("SLEEP");
    const slow = expect(database.withSession((session) => session.rows("SELECT SLEEP(1000)", []))).rejects.toThrow(
      `no answer within ${STATEMENT_WAIT} ms`,
    );
    await expect.poll(asked, SOON).toBe(1);
    await clock.advance(STATEMENT_WAIT);
    await slow;
    work.end();
    const id = await work.answer;
    expect(await connectionId()).toBe(id);
  });

  it("is not left for one commit that its group refuses: that connection alone is ended", async () => {
    await withConnections(2);
    const work = await busy();
    const refused = database.withSession(async (session) => {
      const [row] = await session.rows("SELECT CONNECTION_ID() AS id", []);
      throw Object.assign(refusal(3100), { id: Number(row!["id"]) });
    });
    const { id: ended } = await refused.catch((error: unknown) => error as { readonly id: number });
    expect(await connectionId()).not.toBe(ended);
    work.end();
    const id = await work.answer;
    expect(id).not.toBe(ended);
    expect(await connectionId()).toBe(id);
  });

  it("is left when a connection is lost and it can be reached no more", async () => {
    const id = await connectionId();
    const lost = database.withSession(async (session) => {
      await first.close();
      return await session.rows("SELECT 1", []);
    });
    await expect(lost).rejects.toThrow();
    const asked = second.countRequests("CONNECTION_ID");
    expect(await connectionId()).not.toBe(id);
    expect(asked()).toBe(1);
  });

  it("has a connection left for short questions, however much long work waits", async () => {
    await withConnections(3);
    const held = Promise.withResolvers<void>();
    const order: number[] = [];
    const work = [0, 1, 2, 3].map((number) =>
      database.withSessionForLong(async () => {
        order.push(number);
        await held.promise;
      }),
    );
    await expect.poll(() => order, SOON).toEqual([0, 1]);
    expect(await connectionId()).toBeGreaterThan(0);
    expect(order).toEqual([0, 1]);
    held.resolve();
    await Promise.all(work);
    expect(order).toEqual([0, 1, 2, 3]);
  });
});
