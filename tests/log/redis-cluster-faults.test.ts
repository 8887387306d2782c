import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { RedisServers } from "../../src/log/redis-route.ts";
import { slotOfShard } from "../../src/log/redis-slot.ts";
import { RedisStreamLog } from "../../src/log/redis-stream-log.ts";
import { LogJournal } from "../support/log-journal.ts";
import { logEntry, opened, valueOf } from "../support/log-entries.ts";
import { askRedis } from "../support/redis-ask.ts";
import { startRedisCluster, type RedisCluster } from "../support/redis-cluster.ts";
import { uniqueShard } from "../support/redis-server.ts";
import { openedRedis, ready } from "../support/redis-servers.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";

const LIMITS = { maxEntries: 1_000_000, maxBytes: 1_000_000_000 };
let cluster: RedisCluster;
beforeAll(async () => {
  cluster = await startRedisCluster();
});
afterAll(() => cluster?.remove());

describe("a log on a cluster that waits for a replica loses and doubles nothing", () => {
  /** Appends while `fault` is done to the shard's primary, and until more is taken after it. */
  async function under(shard: number, fault: () => Promise<void>): Promise<LogJournal> {
    const servers = openedRedis(cluster.url);
    const redis = await ready(servers.ownRouteTo(shard));
    const confirmation = { redis, replicas: 1 };
    const log = new RedisStreamLog({ redis: await ready(servers.routeTo(shard)), shard, limits: LIMITS, confirmation });
    const journal = new LogJournal(log);
    journal.start();
    try {
      await journal.more(50);
      await fault();
      await journal.more(50);
      expect(await journal.compare()).toEqual({ lost: 0, doubled: 0 });
    } finally {
      redis.close();
      servers.close();
    }
    return journal;
  }

  it("when a primary is killed and its replica promoted", { timeout: 120_000 }, async () => {
    const shard = uniqueShard();
    const killed = await cluster.primaryOfShard(shard);
    const journal = await under(shard, async () => {
      await killed.kill();
      await cluster.ok(5);
      expect(await cluster.primaryOfShard(shard)).not.toBe(killed);
      // The replica that is promoted has none of its own to wait for.
      await killed.start();
      await cluster.ok(6);
    });
    expect(journal.refused).toBeGreaterThan(0);
  });

  it("when an operator fails over", { timeout: 120_000 }, async () => {
    const shard = uniqueShard();
    const before = await cluster.primaryOfShard(shard);
    const [replica] = await cluster.replicasOf(before);
    await under(shard, async () => {
      expect(await askRedis(replica!.port, "CLUSTER FAILOVER")).toBe("+OK");
      while ((await cluster.primaryOfShard(shard)) !== replica) await new Promise((done) => setTimeout(done, 50));
      await cluster.ok(6);
    });
  });

  it("when its slot moves to another primary", { timeout: 120_000 }, async () => {
    const first = await cluster.primaryOfShard(shardWithSlotBelow(50));
    const to = await cluster.primaryOfShard(shardWithSlotBelow(16_384, 12_000));
    const shard = shardWithSlotBelow(50);
    const journal = await under(shard, async () => {
      await cluster.reshard(first, to, 50);
      await cluster.ok(6);
      expect(await cluster.primaryOfShard(shard)).toBe(to);
    });
    expect(journal.refused).toBeGreaterThan(0);
  });

  it("when a primary stands still and wakes up as an old one", { timeout: 120_000 }, async () => {
    const shard = uniqueShard();
    const frozen = await cluster.primaryOfShard(shard);
    const journal = await under(shard, async () => {
      frozen.freeze();
      await cluster.ok(5);
      frozen.thaw();
      await cluster.ok(6);
    });
    expect(journal.refused).toBeGreaterThan(0);
  });
});

describe("a command on a cluster", () => {
  let proxies: readonly TcpProxy[];
  let servers: RedisServers;
  beforeAll(async () => {
    proxies = await Promise.all(cluster.nodes.map(({ port }) => startTcpProxy(port)));
    for (const [at, { port }] of cluster.nodes.entries()) {
      expect(await askRedis(port, `CONFIG SET cluster-announce-port ${proxies[at]!.port}`)).toBe("+OK");
    }
    // Nodes tell each other.
    for (const { port } of cluster.nodes) {
      for (const { port: announced } of proxies) {
        const knows = async (): Promise<boolean> =>
          (await askRedis(port, "CLUSTER NODES"))?.includes(`:${announced}@`) ?? false;
        await vi.waitUntil(knows, { timeout: 30_000 });
      }
    }
    servers = openedRedis(`redis+cluster://${proxies.map(({ port }) => `127.0.0.1:${port}`).join(",")}`);
  });
  afterAll(async () => {
    servers?.close();
    await Promise.all(proxies.map((proxy) => proxy.close()));
  });

  it("is not sent again when its reply is lost", async () => {
    const shard = uniqueShard();
    const log = await opened(new RedisStreamLog({ redis: await ready(servers.routeTo(shard)), shard, limits: LIMITS }));
    // A server that does not know the script yet runs nothing and is asked twice.
    valueOf(await log.prepare());
    const entry = logEntry();
    const body = Buffer.from(entry.body);
    for (const proxy of proxies) proxy.once(body, "reply", () => "cut");
    const counts = proxies.map((proxy) => proxy.countRequests(body));
    expect(await log.append(entry)).toMatchObject({ kind: "retryable", code: "unavailable" });
    await ready(servers.routeTo(shard));
    expect(valueOf(await log.status()).entries).toBe(1);
    expect(counts.reduce((sum, count) => sum + count(), 0)).toBe(1);
  });

  it("that is refused because the slot has moved is the caller's to try again, and then arrives", async () => {
    const shard = uniqueShard();
    const route = await ready(servers.routeTo(shard));
    const log = await opened(new RedisStreamLog({ redis: route, shard, limits: LIMITS }));
    const [replica] = await cluster.replicasOf(await cluster.primaryOfShard(shard));
    expect(await askRedis(replica!.port, "CLUSTER FAILOVER")).toBe("+OK");
    while ((await cluster.primaryOfShard(shard)) !== replica) await new Promise((done) => setTimeout(done, 50));
    await cluster.ok(6);
    expect(await log.append(logEntry())).toMatchObject({ kind: "retryable", code: "unavailable" });
    for (;;) {
      const status = await log.status();
      if (status.kind === "success") break;
      await new Promise((done) => setTimeout(done, 20));
    }
    await opened(log, 2);
    expect((await log.append(logEntry())).kind).toBe("success");
    expect(valueOf(await log.status()).entries).toBe(1);
  });
});

/** A shard of the log whose slot is within these bounds. */
function shardWithSlotBelow(below: number, from = 0): number {
  for (let shard = 0; ; shard += 1) {
    const slot = slotOfShard(shard);
    if (slot >= from && slot < below) return shard;
  }
}
