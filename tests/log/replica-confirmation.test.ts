import type { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ReplicaConfirmation } from "../../src/log/replica-confirmation.ts";
import { RedisStreamLog } from "../../src/log/redis-stream-log.ts";
import { LOG_START } from "../../src/model/ingest-log.ts";
import { comparable, logEntry, opened, valueOf } from "../support/log-entries.ts";
import { TestClients } from "../support/redis-client.ts";
import { startReplica, startRedisServer, uniqueShard } from "../support/redis-server.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";
import type { TcpProxy } from "../support/tcp-proxy.ts";
import { fixedRoute } from "../../src/log/redis-route.ts";

const LIMITS = { maxEntries: 10_000, maxBytes: 64 * 1024 * 1024 };
const UNAVAILABLE = { kind: "retryable", code: "unavailable" };

describe("a log that waits for a replica", () => {
  let primary: RedisServer;
  let link: TcpProxy;
  let replica: RedisServer;
  let log: RedisStreamLog;
  let redis: Redis;
  let shard: number;
  const clients = new TestClients();

  beforeAll(async () => {
    primary = await startRedisServer();
    link = await startTcpProxy(primary.port);
    replica = await startReplica(link);
  });
  afterAll(async () => {
    await Promise.all([primary.remove(), replica.remove(), link.close()]);
  });
  beforeEach(async () => {
    shard = uniqueShard();
    redis = await clients.connect(primary.url);
    const confirmation = { redis: fixedRoute(await clients.connect(primary.url)), replicas: 1, maxWaitMillis: 100 };
    log = await opened(new RedisStreamLog({ redis: fixedRoute(redis), shard, limits: LIMITS, confirmation }));
  });
  afterEach(async () => {
    link.replies("pass");
    await redis.config("SET", "maxmemory", "0");
    clients.disconnectAll();
  });

  it("has given the replica whatever it answered for", async () => {
    const entries = Array.from({ length: 50 }, () => logEntry());
    for (const entry of entries) valueOf(await log.append(entry));
    const there = await clients.connect(replica.url);
    expect(await there.xlen(`otel-bandwidth:{${shard}}:log`)).toBe(entries.length);
  });

  it("answers unavailable when no replica confirms, and is not ready", async () => {
    link.replies("stall");
    expect(await log.append(logEntry())).toMatchObject(UNAVAILABLE);
    expect(await log.writable()).toMatchObject(UNAVAILABLE);
    link.replies("pass");
    expect((await log.writable()).kind).toBe("success");
  });

  it("shows no entry to its reader that the replica does not have", async () => {
    link.replies("stall");
    const entry = logEntry();
    expect(await log.append(entry)).toMatchObject(UNAVAILABLE);
    expect(await log.read(LOG_START, 10)).toMatchObject(UNAVAILABLE);
    link.replies("pass");
    expect(valueOf(await log.read(LOG_START, 10)).map(comparable)).toEqual([comparable(entry)]);
  });

  it("can be read and trimmed while Redis has no memory left, or it would stay full for ever", async () => {
    const { id } = valueOf(await log.append(logEntry()));
    await redis.config("SET", "maxmemory", "1");
    expect(await log.append(logEntry())).toMatchObject(UNAVAILABLE);
    expect(valueOf(await log.read(LOG_START, 10))).toHaveLength(1);
    valueOf(await log.trim(id));
    expect(valueOf(await log.status()).entries).toBe(0);
  });
});

describe("a confirmation by replicas", () => {
  /** A connection that answers WAIT and WAITAOF as told, and counts what it was asked. */
  function connection(answers: { readonly WAITAOF?: unknown; readonly WAIT?: unknown }): Redis & { asked: string[] } {
    const asked: string[] = [];
    const fake = {
      asked,
      options: {},
      stream: {},
      async call(name: "WAITAOF" | "WAIT", ...rest: readonly unknown[]): Promise<unknown> {
        asked.push([name, ...rest].join(" "));
        const answer = answers[name];
        return typeof answer === "function" ? (answer as (redis: unknown) => unknown)(fake) : answer;
      },
    };
    return fake as unknown as Redis & { asked: string[] };
  }
  const write = async (): Promise<string> => "written";

  it("asks what replicas have flushed to their disks", async () => {
    const redis = connection({ WAITAOF: [1, 2] });
    const confirmation = new ReplicaConfirmation({ redis: fixedRoute(redis), replicas: 2, maxWaitMillis: 300 });
    expect(await confirmation.confirmed(write)).toEqual({ kind: "success", value: "written" });
    expect(redis.asked).toEqual(["WAITAOF 0 2 10"]);
  });

  it("asks again those that had not flushed when they were asked, for as long as it may take", async () => {
    const redis = connection({ WAITAOF: () => [1, redis.asked.length < 3 ? 0 : 1] });
    const confirmation = new ReplicaConfirmation({ redis: fixedRoute(redis), replicas: 1, maxWaitMillis: 300 });
    expect((await confirmation.confirmed(write)).kind).toBe("success");
    expect(redis.asked).toEqual(["WAITAOF 0 1 10", "WAITAOF 0 1 20", "WAITAOF 0 1 40"]);
    const never = connection({ WAITAOF: [1, 0] });
    await new ReplicaConfirmation({ redis: fixedRoute(never), replicas: 1, maxWaitMillis: 100 }).confirmed(write);
    expect(never.asked).toEqual(["WAITAOF 0 1 10", "WAITAOF 0 1 20", "WAITAOF 0 1 40", "WAITAOF 0 1 30"]);
  });

  it("asks what they have in memory where Redis is too old to tell, and does not ask twice", async () => {
    const unknown = (): never => {
      throw new Error("ERR unknown command 'WAITAOF', with args beginning with: '0' '1' '300'");
    };
    const redis = connection({ WAITAOF: unknown, WAIT: 1 });
    const confirmation = new ReplicaConfirmation({ redis: fixedRoute(redis), replicas: 1, maxWaitMillis: 300 });
    for (let time = 0; time < 2; time++) expect((await confirmation.confirmed(write)).kind).toBe("success");
    expect(redis.asked).toEqual(["WAITAOF 0 1 10", "WAIT 1 300", "WAIT 1 300"]);
  });

  it("does not take fewer replicas for enough", async () => {
    const confirmation = new ReplicaConfirmation({ redis: fixedRoute(connection({ WAITAOF: [1, 1] })), replicas: 2 });
    expect(await confirmation.confirmed(write)).toMatchObject({
      ...UNAVAILABLE,
      reason: "1 of 2 replicas of Redis confirmed the write within 1000 ms",
    });
  });

  it("believes no answer of a connection on which nothing was written", async () => {
    const redis = connection({
      WAITAOF: (itself: { stream: unknown }) => {
        itself.stream = {};
        return [1, 1];
      },
    });
    const confirmation = new ReplicaConfirmation({ redis: fixedRoute(redis), replicas: 1 });
    expect(await confirmation.confirmed(write)).toMatchObject(UNAVAILABLE);
  });
});
