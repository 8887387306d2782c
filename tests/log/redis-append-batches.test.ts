import { randomBytes } from "node:crypto";
import type { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { compareLogIds } from "../../src/model/log-id.ts";
import { RedisStreamLog } from "../../src/log/redis-stream-log.ts";
import type { RedisStreamLogOptions } from "../../src/log/redis-stream-log.ts";
import { LOG_START } from "../../src/model/ingest-log.ts";
import type { LogEntry } from "../../src/model/ingest-log.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { comparable, idOf, logEntry, openHere, opened, valueOf } from "../support/log-entries.ts";
import { TestClients, ready } from "../support/redis-client.ts";
import { startRedisServer, uniqueShard } from "../support/redis-server.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";
import type { TcpProxy } from "../support/tcp-proxy.ts";
import { fixedRoute } from "../../src/log/redis-route.ts";

const LIMITS = { maxEntries: 10_000, maxBytes: 64 * 1024 * 1024 };
const UNAVAILABLE = { kind: "retryable", code: "unavailable" };
const OVERLOADED = { kind: "retryable", code: "overloaded" };

let server: RedisServer;
let proxy: TcpProxy | undefined;
const clients = new TestClients();
const { connect } = clients;

beforeAll(async () => {
  server = await startRedisServer();
});
afterAll(async () => {
  await server.remove();
});
afterEach(async () => {
  clients.disconnectAll();
  await proxy?.close();
  proxy = undefined;
});

async function connectByProxy(commandTimeoutMillis: number): Promise<{ redis: Redis; between: TcpProxy }> {
  proxy = await startTcpProxy(server.port);
  return { redis: await connect(`redis://127.0.0.1:${proxy.port}`, commandTimeoutMillis), between: proxy };
}

async function openLog(redis: Redis, options: Partial<RedisStreamLogOptions> = {}): Promise<RedisStreamLog> {
  return await opened(
    new RedisStreamLog({ redis: fixedRoute(redis), shard: uniqueShard(), limits: LIMITS, ...options }),
  );
}

function streamKey(shard: number): string {
  return `otel-bandwidth:{${shard}}:log`;
}

async function readAll(log: RedisStreamLog): Promise<readonly LogEntry[]> {
  return valueOf(await log.read(LOG_START, 10_000));
}

/** How often Redis ran a script by its hash. */
async function scriptCalls(redis: Redis): Promise<number> {
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(await redis.info("commandstats"))?.[1] ?? 0);
}

/** Resolves when what was appended by now is on its way. */
async function nextTurn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe("appends that wait behind a batch", () => {
  it("go out in one call of the script, each answered with its own id, in the order they came", async () => {
    const redis = await connect(server.url);
    const log = await openLog(redis);
    valueOf(await log.prepare());
    const before = await scriptCalls(redis);
    const inputs = Array.from({ length: 41 }, () => logEntry());
    const first = log.append(inputs[0]!);
    await nextTurn();
    const waiting = inputs.slice(1).map((input) => log.append(input));
    const ids = (await Promise.all([first, ...waiting])).map(idOf);
    expect((await scriptCalls(redis)) - before).toBe(2);
    expect(ids).toEqual([...ids].sort(compareLogIds));
    const entries = await readAll(log);
    expect(entries.map((entry) => entry.id)).toEqual(ids);
    expect(entries.map(comparable)).toEqual(inputs.map(comparable));
  });

  it("do not wait for an answer once they are as many bytes or entries as a batch may be", async () => {
    const { redis, between } = await connectByProxy(600_000);
    const observer = await connect(server.url);
    const shard = uniqueShard();
    const log = await openLog(redis, { shard, maxBatchBytes: 1000, maxBatchEntries: 3 });
    valueOf(await log.prepare());
    const before = await scriptCalls(observer);
    between.replies("stall");
    const sizes = [10, 600, 600, 5000, 1, 1, 1, 1];
    const answers: Promise<unknown>[] = [];
    const append = (size: number): void => void answers.push(log.append(logEntry({ body: randomBytes(size) })));
    append(sizes[0]!);
    await nextTurn();
    for (const size of sizes.slice(1)) append(size);
    // The last one is neither: it waits for an answer, and gets none.
    await expect.poll(() => observer.xlen(streamKey(shard))).toBe(sizes.length - 1);
    between.replies("pass");
    for (const answer of await Promise.all(answers)) expect(answer).toMatchObject({ kind: "success" });
    // 10 | 600 | 600 | 5000 | 1 1 1 | 1
    expect((await scriptCalls(observer)) - before).toBe(6);
    expect((await readAll(log)).map((entry) => entry.body.length)).toEqual(sizes);
  });

  it("are each taken or refused on their own", async () => {
    const redis = await connect(server.url);
    const log = await openLog(redis, { limits: { maxEntries: 4, maxBytes: 1000 } });
    const answers = await Promise.all(
      [100, 950, 1001, 100, 700, 100, 1, 1].map((size) => log.append(logEntry({ body: randomBytes(size) }))),
    );
    expect(answers[1]).toMatchObject(OVERLOADED);
    expect(answers[2]).toMatchObject({ kind: "failure", code: "too_large" });
    expect(answers[6]).toMatchObject({ ...OVERLOADED, reason: expect.stringContaining("4 entries") });
    expect(answers.map(({ kind }) => kind === "success")).toEqual([true, false, false, true, true, true, false, false]);
    const taken = answers.filter((answer) => answer.kind === "success").map(idOf);
    const entries = await readAll(log);
    expect(entries.map((entry) => [entry.id, entry.body.length])).toEqual(
      [100, 100, 700, 100].map((size, index) => [taken[index], size]),
    );
    expect(valueOf(await log.status())).toMatchObject({ entries: 4, bytes: 1000 });
  });

  it("are counted right when Redis refuses some of their batch", async () => {
    const redis = await connect(server.url);
    const shard = uniqueShard();
    const log = await openLog(redis, { shard });
    // Room for two more numbers: past 2^53 they would not be exact.
    valueOf(await openHere(log, { generation: 2, afterId: `${2 ** 53 - 2}-0` }));
    const answers = await Promise.all(Array.from({ length: 4 }, () => log.append(logEntry())));
    expect(answers.map(({ kind }) => kind)).toEqual(["success", "success", "retryable", "retryable"]);
    expect(answers[3]).toMatchObject(UNAVAILABLE);
    expect(valueOf(await log.status())).toMatchObject({ entries: 2, bytes: 64 });
  });
});

describe("when a batch is on its way and others wait", () => {
  it("answers all of them when the connection is cut", async () => {
    // A timeout that this test would not live to see: the lost connection alone must settle the appends.
    const { redis, between } = await connectByProxy(600_000);
    const log = await openLog(redis);
    valueOf(await log.prepare());
    between.replies("cut");
    const sent = Array.from({ length: 5 }, () => log.append(logEntry()));
    await nextTurn();
    const waiting = Array.from({ length: 30 }, () => log.append(logEntry()));
    for (const answer of await Promise.all([...sent, ...waiting])) expect(answer).toMatchObject(UNAVAILABLE);
    between.replies("pass");
    await ready(redis);
    const after = logEntry();
    valueOf(await log.append(after));
    const entries = await readAll(log);
    expect(entries.length).toBe(6);
    expect(comparable(entries.at(-1)!)).toEqual(comparable(after));
  });

  it("answers those that wait when their own time is over, and does not send them later", async () => {
    const { redis, between } = await connectByProxy(600_000);
    const clock = new FakeClock(0);
    const log = await openLog(redis, { clock });
    valueOf(await log.prepare());
    between.replies("stall");
    const sent = log.append(logEntry());
    await nextTurn();
    const waiting = Array.from({ length: 3 }, () => log.append(logEntry()));
    await clock.advance(600_000);
    for (const answer of await Promise.all(waiting)) expect(answer).toMatchObject(UNAVAILABLE);
    between.replies("pass");
    valueOf(await sent);
    valueOf(await log.append(logEntry()));
    expect((await readAll(log)).length).toBe(2);
  });

  it("bounds the bytes that wait", async () => {
    const { redis, between } = await connectByProxy(600_000);
    const log = await openLog(redis, { maxUnsentBytes: 1000, maxBatchBytes: 1_000_000 });
    valueOf(await log.prepare());
    between.replies("stall");
    const answers = [log.append(logEntry())];
    await nextTurn();
    for (let index = 0; index < 4; index += 1) answers.push(log.append(logEntry({ body: randomBytes(400) })));
    expect(await answers[4]).toMatchObject(OVERLOADED);
    between.replies("pass");
    for (const answer of await Promise.all(answers.slice(0, 4))) expect(answer.kind).toBe("success");
  });
});
