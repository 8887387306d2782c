import { randomBytes } from "node:crypto";
import type { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { RedisStreamLog } from "../../src/log/redis-stream-log.ts";
import type { RedisStreamLogOptions } from "../../src/log/redis-stream-log.ts";
import { LOG_START } from "../../src/model/ingest-log.ts";
import type { LogEntry } from "../../src/model/ingest-log.ts";
import { comparable, idOf, logEntry, opened, valueOf } from "../support/log-entries.ts";
import { TestClients, ready, readyAgain } from "../support/redis-client.ts";
import { startRedisServer, uniqueShard } from "../support/redis-server.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";
import type { TcpProxy } from "../support/tcp-proxy.ts";
import { fixedRoute } from "../../src/log/redis-route.ts";

const LIMITS = { maxEntries: 10_000, maxBytes: 64 * 1024 * 1024 };
const OPENING = { generation: 1, identity: "test", storage: "", afterId: LOG_START, layout: 1 };
const UNAVAILABLE = { kind: "retryable", code: "unavailable" };

let server: RedisServer;
let proxy: TcpProxy;
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
});

async function connectByProxy(commandTimeoutMillis = 2000): Promise<Redis> {
  proxy = await startTcpProxy(server.port);
  return await connect(`redis://127.0.0.1:${proxy.port}`, commandTimeoutMillis);
}

async function openLog(redis: Redis, options: Partial<RedisStreamLogOptions> = {}): Promise<RedisStreamLog> {
  return await opened(
    new RedisStreamLog({ redis: fixedRoute(redis), shard: uniqueShard(), limits: LIMITS, ...options }),
  );
}

async function readAll(log: RedisStreamLog): Promise<readonly LogEntry[]> {
  return valueOf(await log.read(LOG_START, 10_000));
}

describe("when Redis goes away", () => {
  it("answers unavailable while it is dead, and has everything acknowledged when it is back", async () => {
    const redis = await connect(server.url);
    const log = await openLog(redis);
    const before = logEntry();
    valueOf(await log.append(before));
    await server.kill();
    for (const result of await Promise.all([
      log.append(logEntry()),
      log.read(LOG_START, 1),
      log.trim("1-1"),
      log.status(),
      log.writable(),
    ])) {
      expect(result).toMatchObject(UNAVAILABLE);
    }
    await server.start();
    await ready(redis);
    expect(await log.append(logEntry())).toMatchObject(UNAVAILABLE);
    await opened(log, 2);
    const after = logEntry();
    valueOf(await log.append(after));
    expect((await readAll(log)).map(comparable)).toEqual([before, after].map(comparable));
  });

  it("answers unavailable to appends that were under way, and keeps those it had acknowledged", async () => {
    const redis = await connect(server.url);
    const log = await openLog(redis);
    const inputs = Array.from({ length: 400 }, () => logEntry({ body: randomBytes(2000) }));
    let acknowledged = 0;
    let killed: Promise<void> | undefined;
    const results = await Promise.all(
      inputs.map(async (input) => {
        const result = await log.append(input);
        if (result.kind === "success") acknowledged += 1;
        if (acknowledged > 20) killed ??= server.kill();
        return result;
      }),
    );
    await killed;
    await server.start();
    await ready(redis);
    const stored = new Set((await readAll(log)).map((entry) => entry.id));
    const promised = results.filter((result) => result.kind === "success").map((result) => result.value.id);
    expect(promised.filter((id) => !stored.has(id))).toEqual([]);
    for (const result of results) if (result.kind !== "success") expect(result).toMatchObject(UNAVAILABLE);
  });

  it("goes on when a restart made Redis forget the scripts", async () => {
    const redis = await connect(server.url);
    const log = await openLog(redis);
    valueOf(await log.prepare());
    await redis.script("FLUSH");
    valueOf(await log.append(logEntry()));
    await redis.script("FLUSH");
    const results = await Promise.all([log.append(logEntry()), log.append(logEntry()), log.status(), log.writable()]);
    expect(results.map((result) => result.kind)).toEqual(["success", "success", "success", "success"]);
    expect((await readAll(log)).length).toBe(3);
  });
});

describe("when the network breaks", () => {
  it("logs an entry once and answers unavailable when the reply is lost", async () => {
    // A timeout that this test would not live to see: the lost connection alone must settle the append.
    const redis = await connectByProxy(600_000);
    const log = await openLog(redis);
    valueOf(await log.prepare());
    proxy.replies("cut");
    expect(await log.append(logEntry())).toMatchObject(UNAVAILABLE);
    proxy.replies("pass");
    await ready(redis);
    expect((await readAll(log)).length).toBe(1);
    valueOf(await log.append(logEntry()));
    expect((await readAll(log)).length).toBe(2);
  });

  it("logs nothing and answers unavailable when the request is lost", async () => {
    const redis = await connectByProxy(600_000);
    const log = await openLog(redis);
    proxy.requests("cut");
    expect(await log.append(logEntry())).toMatchObject(UNAVAILABLE);
    proxy.requests("pass");
    await ready(redis);
    expect(await readAll(log)).toEqual([]);
  });

  it("answers unavailable within the command timeout when replies stop, and cuts the connection", async () => {
    const redis = await connectByProxy(200);
    const log = await openLog(redis);
    valueOf(await log.append(logEntry()));
    const closed = new Promise<void>((resolve) => redis.once("close", () => resolve()));
    proxy.replies("stall");
    expect(await log.append(logEntry())).toMatchObject(UNAVAILABLE);
    await closed;
    proxy.replies("pass");
    await ready(redis);
    expect((await readAll(log)).length).toBe(2);
  });

  it("refuses appends when more waits to be sent than it may hold", async () => {
    const redis = await connectByProxy(5000);
    const log = await openLog(redis, { maxUnsentBytes: 1_000_000 });
    server.freeze();
    try {
      const body = randomBytes(500_000);
      const results = Array.from({ length: 40 }, () => log.append(logEntry({ body })));
      expect(await log.append(logEntry())).toMatchObject({ kind: "retryable", code: "overloaded" });
      redis.disconnect(true);
      const refused = (await Promise.all(results)).filter(
        (result) => result.kind === "retryable" && result.code === "overloaded",
      );
      expect(refused.length).toBeGreaterThanOrEqual(37);
    } finally {
      server.thaw();
    }
  });

  it("waits for a slow network", async () => {
    const redis = await connectByProxy();
    const log = await openLog(redis);
    proxy.delay(30);
    const results = await Promise.all(Array.from({ length: 20 }, () => log.append(logEntry())));
    expect(results.map((result) => result.kind)).toEqual(Array.from({ length: 20 }, () => "success"));
  });
});

/** Does something while Redis holds more than it may. */
async function atMaxmemory(redis: Redis, act: () => Promise<void>): Promise<void> {
  const used = Number(/used_memory:(\d+)/.exec(await redis.info("memory"))?.[1]);
  await redis.config("SET", "maxmemory", String(Math.floor(used / 2)));
  try {
    await act();
  } finally {
    await redis.config("SET", "maxmemory", "0");
  }
}

describe("when Redis refuses", () => {
  it("answers unavailable at maxmemory, still reads, and takes entries again after a trim", async () => {
    const redis = await connect(server.url);
    const log = await openLog(redis);
    const ids: string[] = [];
    for (let index = 0; index < 8; index += 1)
      ids.push(idOf(await log.append(logEntry({ body: randomBytes(500_000) }))));
    const used = Number(/used_memory:(\d+)/.exec(await redis.info("memory"))?.[1]);
    await redis.config("SET", "maxmemory", String(used - 1_000_000));
    try {
      expect(await log.append(logEntry())).toMatchObject(UNAVAILABLE);
      expect(await log.writable()).toMatchObject(UNAVAILABLE);
      expect((await readAll(log)).length).toBe(8);
      expect(valueOf(await log.status())).toMatchObject({ entries: 8, bytes: 4_000_000 });
      valueOf(await log.trim(ids[5]!));
      expect(valueOf(await log.status())).toMatchObject({ entries: 2, bytes: 1_000_000 });
      expect((await log.writable()).kind).toBe("success");
      valueOf(await log.append(logEntry()));
    } finally {
      await redis.config("SET", "maxmemory", "0");
    }
  });

  it("can be opened at maxmemory, for the first time and anew, so that what it holds can be folded and trimmed", async () => {
    const redis = await connect(server.url);
    const log = await openLog(redis);
    const id = idOf(await log.append(logEntry({ body: randomBytes(500_000) })));
    await atMaxmemory(redis, async () => {
      const fresh = new RedisStreamLog({ redis: fixedRoute(redis), shard: uniqueShard(), limits: LIMITS });
      for (const one of [await opened(log, 2), await opened(fresh)]) {
        expect(valueOf(await one.status()).isOpen).toBe(true);
        expect(await one.append(logEntry())).toMatchObject(UNAVAILABLE);
      }
      valueOf(await log.trim(id));
      expect(valueOf(await log.status())).toMatchObject({ entries: 0, generation: 2 });
    });
  });

  it("can be sealed, and superseded, at maxmemory", async () => {
    const redis = await connect(server.url);
    const [sealed, superseded] = [await openLog(redis), await openLog(redis)];
    await atMaxmemory(redis, async () => {
      valueOf(await sealed.seal(1));
      valueOf(await superseded.supersede(1));
    });
    for (const log of [sealed, superseded]) expect(await log.append(logEntry())).toMatchObject(UNAVAILABLE);
    expect(valueOf(await sealed.status())).toMatchObject({ isOpen: false, wasOpenedHere: true });
    expect(valueOf(await superseded.status())).toMatchObject({ isOpen: false, isSuperseded: true });
  });

  it("answers unavailable on a replica, and on one that lost too many replicas", async () => {
    const redis = await connect(server.url);
    const log = await openLog(redis);
    await redis.config("SET", "min-replicas-to-write", "1");
    expect(await log.append(logEntry())).toMatchObject(UNAVAILABLE);
    expect(await log.writable()).toMatchObject(UNAVAILABLE);
    await redis.config("SET", "min-replicas-to-write", "0");
    await redis.replicaof("127.0.0.1", "1");
    const reconnected = readyAgain(redis);
    try {
      const refused = await Promise.all(Array.from({ length: 20 }, () => log.append(logEntry())));
      for (const result of refused) expect(result).toMatchObject(UNAVAILABLE);
      await reconnected;
    } finally {
      const operator = await connect(server.url);
      await operator.replicaof("NO", "ONE");
    }
    expect(await log.append(logEntry())).toMatchObject(UNAVAILABLE);
    expect(valueOf(await log.status())).toMatchObject({ isOpen: false, generation: 1 });
    await opened(log, 2);
    valueOf(await log.append(logEntry()));
    expect((await readAll(log)).length).toBe(1);
  });

  it("says so when the key holds something else", async () => {
    const redis = await connect(server.url);
    const shard = uniqueShard();
    await redis.set(`otel-bandwidth:{${shard}}:log`, "text");
    const log = new RedisStreamLog({ redis: fixedRoute(redis), shard, limits: LIMITS });
    for (const result of [await log.open(OPENING), await log.append(logEntry())])
      expect(result).toMatchObject(UNAVAILABLE);
  });
});

describe("when its keys are moved to another server, as those of a slot are", () => {
  it("stays sealed when they are moved back, though it was sealed where it was not open", async () => {
    const other = await startRedisServer();
    try {
      const [here, there] = [await connect(server.url), await connect(other.url)];
      const shard = uniqueShard();
      const log = await openLog(here, { shard });
      valueOf(await log.append(logEntry()));
      await moveLog(shard, here, there);
      const moved = new RedisStreamLog({ redis: fixedRoute(there), shard, limits: LIMITS });
      valueOf(await moved.seal(1));
      expect(valueOf(await moved.status())).toMatchObject({ isOpen: false, wasOpenedHere: false, entries: 1 });
      await moveLog(shard, there, here);
      expect(await log.append(logEntry())).toMatchObject(UNAVAILABLE);
      expect(valueOf(await log.status())).toMatchObject({ isOpen: false, wasOpenedHere: true, entries: 1 });
      await opened(log, 2);
      valueOf(await log.append(logEntry()));
    } finally {
      await other.remove();
    }
  });
});

async function moveLog(shard: number, from: Redis, to: Redis): Promise<void> {
  for (const name of ["log", "log:size"]) {
    const key = `otel-bandwidth:{${shard}}:${name}`;
    await to.restore(key, 0, await from.dumpBuffer(key));
    await from.del(key);
  }
}

describe("when others write into the stream", () => {
  it("does not go past an entry that a newer version has written", async () => {
    const redis = await connect(server.url);
    const shard = uniqueShard();
    const log = await openLog(redis, { shard });
    valueOf(await log.append(logEntry()));
    await redis.xadd(
      `otel-bandwidth:{${shard}}:log`,
      "2-0",
      "body",
      "x",
      "meta",
      "v2 protobuf brotli 1 x",
      "total",
      "33",
    );
    expect(valueOf(await log.read(LOG_START, 9)).map(({ id }) => id)).toEqual(["1-0"]);
    expect(await log.read("1-0", 9)).toMatchObject({
      ...UNAVAILABLE,
      reason: expect.stringContaining("entry 2-0 is of a newer version"),
    });
  });

  it("reads foreign entries as empty bodies, tells of them, and goes on", async () => {
    const redis = await connect(server.url);
    const shard = uniqueShard();
    const key = `otel-bandwidth:{${shard}}:log`;
    const foreign: string[] = [];
    const log = await openLog(redis, { shard, onForeignEntry: (id) => foreign.push(id) });
    const own = [logEntry(), logEntry()];
    const given: (string | null)[] = [];
    given.push(await redis.xadd(key, "*", "hello", "world"));
    valueOf(await log.append(own[0]!));
    given.push(await redis.xadd(key, "*", "body", "x", "meta", "protobuf gzip soon k h"));
    given.push(await redis.xadd(key, "*", "body", "x", "meta", "protobuf gzip 1 k h {broken"));
    valueOf(await log.append(own[1]!));
    const entries = await readAll(log);
    expect(foreign).toEqual(given);
    expect(entries.map((entry) => entry.body.length)).toEqual([0, 32, 0, 0, 32]);
    expect([entries[1]!, entries[4]!].map(comparable)).toEqual(own.map(comparable));
    valueOf(await log.trim(entries[2]!.id));
    expect(valueOf(await log.status())).toMatchObject({ entries: 2, bytes: 32 });
  });

  it("counts right again when the byte count was deleted", async () => {
    const redis = await connect(server.url);
    const shard = uniqueShard();
    const log = await openLog(redis, { shard });
    const ids = [];
    for (let index = 0; index < 4; index += 1) ids.push(idOf(await log.append(logEntry())));
    valueOf(await log.trim(ids[0]!));
    await redis.del(`otel-bandwidth:{${shard}}:log:size`);
    expect(valueOf(await log.status())).toMatchObject({ entries: 3, bytes: 96, lastId: ids[3], isOpen: false });
    expect(await log.append(logEntry())).toMatchObject(UNAVAILABLE);
    await opened(log);
    expect(idOf(await log.append(logEntry()))).toBe("5-0");
    await redis.del(`otel-bandwidth:{${shard}}:log:size`);
    valueOf(await log.trim(ids[2]!));
    expect(valueOf(await log.status())).toMatchObject({ entries: 2, bytes: 64 });
  });

  it("takes no appends when the stream was deleted, until it is opened again above what it gave", async () => {
    const redis = await connect(server.url);
    const shard = uniqueShard();
    const log = await openLog(redis, { shard });
    for (let index = 0; index < 4; index += 1) valueOf(await log.append(logEntry()));
    await redis.del(`otel-bandwidth:{${shard}}:log`);
    const results = [await log.append(logEntry()), await log.writable()];
    for (const result of results) expect(result).toMatchObject(UNAVAILABLE);
    expect(valueOf(await log.status())).toMatchObject({ entries: 0, isOpen: false });
    await opened(log, 2);
    expect(valueOf(await log.status())).toMatchObject({ entries: 0, bytes: 0, lastId: "4-0", isOpen: true });
    expect(idOf(await log.append(logEntry()))).toBe("5-0");
  });

  it("counts right when its total starts over", async () => {
    const redis = await connect(server.url);
    const shard = uniqueShard();
    const log = await openLog(redis, { shard, limits: { ...LIMITS, maxBytes: 100 } });
    const nearlyAll = String(2n ** 50n - 40n);
    await redis.hset(`otel-bandwidth:{${shard}}:log:size`, "total", nearlyAll, "trimmed", nearlyAll);
    const ids = [];
    for (let index = 0; index < 3; index += 1) ids.push(idOf(await log.append(logEntry())));
    expect(valueOf(await log.status())).toMatchObject({ entries: 3, bytes: 96 });
    expect(await log.append(logEntry())).toMatchObject({ code: "overloaded" });
    valueOf(await log.trim(ids[1]!));
    expect(valueOf(await log.status())).toMatchObject({ entries: 1, bytes: 32 });
  });

  it("keeps to its limits when several receivers append at once", async () => {
    const shard = uniqueShard();
    const limits = { maxEntries: 30, maxBytes: LIMITS.maxBytes };
    const logs = [];
    for (let index = 0; index < 3; index += 1) logs.push(await openLog(await connect(server.url), { shard, limits }));
    const results = await Promise.all(logs.flatMap((log) => Array.from({ length: 20 }, () => log.append(logEntry()))));
    expect(results.filter((result) => result.kind === "success").length).toBe(30);
    expect((await readAll(logs[0]!)).length).toBe(30);
  });
});
