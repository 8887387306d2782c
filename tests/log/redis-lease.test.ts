import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RedisLease } from "../../src/log/redis-lease.ts";
import { ONLY_RECEIVER, SingleLease } from "../../src/log/single-lease.ts";
import { shardLeaseContract } from "../contract/shard-lease.ts";
import { connectedRedis } from "../support/redis-client.ts";
import { startRedisServer, testRedis, uniqueShard } from "../support/redis-server.ts";
import { fixedRoute } from "../../src/log/redis-route.ts";

let server: Awaited<ReturnType<typeof testRedis>>;

beforeAll(async () => {
  server = await testRedis();
});
afterAll(async () => {
  await server.remove();
});

shardLeaseContract("RedisLease", async () => {
  const shard = uniqueShard();
  const key = `otel-bandwidth:{${shard}}:owner`;
  const redis = await connectedRedis(server.url);
  return {
    another: async () => new RedisLease({ token: randomUUID(), redis: fixedRoute(redis), shard }),
    async expire(afterMillis) {
      if (afterMillis !== undefined) return await passed(redis, afterMillis);
      await redis.pexpire(key, 1);
      while ((await redis.exists(key)) === 1);
    },
    async close() {
      await redis.del(key, `otel-bandwidth:{${shard}}:receivers`);
      redis.disconnect();
    },
  };
});

/** Waits by the clock of Redis. */
async function passed(redis: Redis, millis: number): Promise<void> {
  const clock = async (): Promise<number> => {
    const [seconds, micros] = await redis.time();
    return Number(seconds) * 1000 + Number(micros) / 1000;
  };
  const until = (await clock()) + millis;
  while ((await clock()) <= until);
}

describe("RedisLease", () => {
  it("lasts as long as was asked for last", async () => {
    const shard = uniqueShard();
    const redis = await connectedRedis(server.url);
    const lease = new RedisLease({ token: randomUUID(), redis: fixedRoute(redis), shard });
    await lease.hold(60_000);
    await lease.hold(300_000);
    expect(await redis.pttl(`otel-bandwidth:{${shard}}:owner`)).toBeGreaterThan(60_000);
    await lease.release();
    redis.disconnect();
  });

  it("is not held, and says why, while Redis is away", async () => {
    const own = await startRedisServer();
    const redis = await connectedRedis(own.url);
    const faults: unknown[] = [];
    let working = 0;
    const lease = new RedisLease({
      token: randomUUID(),
      redis: fixedRoute(redis),
      shard: 0,
      onError: (error) => faults.push(error),
      onWorking: () => working++,
    });
    await lease.stand(60_000);
    expect(working).toBe(0);
    await lease.hold(60_000);
    await lease.stand(60_000);
    expect(working).toBe(2);
    await own.kill();
    expect(await lease.hold(60_000)).toBe(false);
    expect(await lease.stand(60_000)).toEqual({ state: "unknown", candidates: [] });
    await lease.release();
    expect([faults.length, working]).toEqual([3, 2]);
    redis.disconnect();
    await own.remove();
  });
});

describe("RedisLease at maxmemory", () => {
  it("can be taken, kept and given up: who owns a shard frees memory", async () => {
    const own = await startRedisServer();
    const redis = await connectedRedis(own.url);
    const faults: unknown[] = [];
    const [first, second] = [1, 2].map(
      () =>
        new RedisLease({
          token: randomUUID(),
          redis: fixedRoute(redis),
          shard: 0,
          onError: (error) => faults.push(error),
        }),
    );
    await redis.config("SET", "maxmemory", "1");
    expect((await first!.stand(60_000)).state).toBe("free");
    expect([await first!.hold(60_000), await second!.hold(60_000), await first!.hold(60_000)]).toEqual([
      true,
      false,
      true,
    ]);
    expect((await second!.stand(60_000)).state).toBe("taken");
    await first!.release();
    expect([await second!.hold(60_000), faults]).toEqual([true, []]);
    redis.disconnect();
    await own.remove();
  });
});

describe("SingleLease", () => {
  it("is always held", async () => {
    const lease = new SingleLease();
    await lease.release();
    await lease.handOver();
    expect(await lease.hold()).toBe(true);
    expect(await lease.stand()).toEqual({ state: "held", candidates: [ONLY_RECEIVER] });
  });
});
