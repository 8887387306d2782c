import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RedisRealtimeStore } from "../../src/realtime/redis-realtime-store.ts";
import { realtimeStoreContract } from "../contract/realtime-store.ts";
import { valueOf } from "../support/log-entries.ts";
import { realtimeSeries, realtimeStep } from "../support/realtime-figures.ts";
import { startRedisServer, testRedis, uniqueShard } from "../support/redis-server.ts";
import { fixedRoute } from "../../src/log/redis-route.ts";

const NOW = 1_763_800_000_000;
let server: Awaited<ReturnType<typeof testRedis>>;
let redis: Redis;

beforeAll(async () => {
  server = await testRedis();
  redis = new Redis(server.url);
});
afterAll(async () => {
  redis.disconnect();
  await server.remove();
});

realtimeStoreContract("RedisRealtimeStore", async () => {
  const shards = [uniqueShard(), uniqueShard()] as const;
  return {
    store: new RedisRealtimeStore({ routeTo: () => fixedRoute(redis), shards, ttlSeconds: 300 }),
    shards,
    async close() {
      await redis.del(
        shards.flatMap((shard) => [`otel-bandwidth:{${shard}}:realtime`, `otel-bandwidth:{${shard}}:steps`]),
      );
    },
  };
});

describe("RedisRealtimeStore", () => {
  it("lets a shard expire when its owner falls silent, and not before", async () => {
    const shard = uniqueShard();
    const store = new RedisRealtimeStore({ routeTo: () => fixedRoute(redis), shards: [shard], ttlSeconds: 123 });
    const keys = [`otel-bandwidth:{${shard}}:realtime`, `otel-bandwidth:{${shard}}:steps`];
    const update = { shard, changed: [realtimeSeries()], removed: [], step: realtimeStep({ atMillis: NOW }) };
    valueOf(await store.update(update));
    for (const key of keys) await redis.expire(key, 5);
    valueOf(await store.update({ ...update, changed: [] }));
    for (const key of keys) expect(await redis.ttl(key)).toBeGreaterThan(100);
    for (const key of keys) expect(await redis.ttl(key)).toBeLessThanOrEqual(123);
    await redis.del(keys);
  });

  it("deletes what an owner before it left behind, and what it cannot read", async () => {
    const shard = uniqueShard();
    const key = `otel-bandwidth:{${shard}}:realtime`;
    const step = realtimeStep({ atMillis: NOW });
    const old = [
      realtimeSeries({ seriesId: "1", expiresAtMillis: NOW - 1 }),
      realtimeSeries({ seriesId: "2", expiresAtMillis: NOW + 1 }),
    ];
    const options = { routeTo: () => fixedRoute(redis), shards: [shard], ttlSeconds: 300 };
    valueOf(await new RedisRealtimeStore(options).update({ shard, changed: old, removed: [], step }));
    await redis.hset(key, "3", "{}", "4", "[", "5", '["5",1,[1,2,3],[],[]]');
    const store = new RedisRealtimeStore(options);
    expect(
      valueOf(await store.snapshot(NOW - 2))
        .map((series) => series.seriesId)
        .sort(),
    ).toEqual(["1", "2"]);
    valueOf(await store.update({ shard, changed: [], removed: [], step }));
    expect(await redis.hkeys(key)).toEqual(["2"]);
    await redis.del(key, `otel-bandwidth:{${shard}}:steps`);
  });

  it("passes over what an earlier or a later version wrote", async () => {
    const shard = uniqueShard();
    const keys = [`otel-bandwidth:{${shard}}:realtime`, `otel-bandwidth:{${shard}}:steps`] as const;
    const store = new RedisRealtimeStore({ routeTo: () => fixedRoute(redis), shards: [shard], ttlSeconds: 300 });
    const http = '["http","","api","","server","GET","/",200,"",""]';
    const webrtc = '["webrtc","","","","client","","",0,"m","p"]';
    const series = {
      "1": `["1",9e15,[1,2,3,4],[],${http}]`,
      "2": `["2",9e15,[1,2,3,4],[],${webrtc}]`,
      "3": `["3",9e15,[1,2,3,4],[],${webrtc},[0,1,2,3,4,5]]`,
      "4": `["4",9e15,[1,2,3,4],[],${webrtc},[9,1,2,3,4,5,6]]`,
      "5": `["5",9e15,[1,2,3,4],[],${http},[0,1,2,3,4,5,6]]`,
      "6": `["6",9e15,[1,2,3,4],[],${webrtc},[2,1,2,3,4,5,6]]`,
      "7": `["7",9e15,[1,2,3,4],[],${webrtc},[2,1,2,3,4,5,6],1]`,
    };
    await redis.hset(keys[0], series);
    await redis.hset(keys[1], "0", `[${NOW},[1,2,3,4],[],[]]`, "1", `[${NOW},[1,2,3,4],[],[],[1]]`);
    const shown = valueOf(await store.snapshot(NOW));
    expect(valueOf(await store.steps(NOW))).toEqual([]);
    expect(shown.map(({ seriesId }) => seriesId).sort()).toEqual(["1", "6"]);
    expect(shown.find(({ seriesId }) => seriesId === "6")?.participant?.quality).toBe("fair");
    await redis.del(...keys);
  });

  it("answers unavailable when Redis is away or the key holds something else", async () => {
    const own = await startRedisServer();
    const client = new Redis(own.url, {
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      enableOfflineQueue: false,
    });
    client.on("error", () => {});
    await new Promise((resolve) => client.once("ready", resolve));
    const store = new RedisRealtimeStore({ routeTo: () => fixedRoute(client), shards: [0], ttlSeconds: 300 });
    const update = { shard: 0, changed: [], removed: [], step: realtimeStep() };
    const keys = ["otel-bandwidth:{0}:steps", "otel-bandwidth:{0}:realtime"] as const;
    for (const key of keys) await client.set(key, "text");
    expect(await store.update(update)).toMatchObject({ kind: "retryable", code: "unavailable" });
    expect(await store.snapshot(NOW)).toMatchObject({ kind: "retryable", code: "unavailable" });
    expect(await store.steps(NOW)).toMatchObject({ kind: "retryable", code: "unavailable" });
    await client.del(...keys);
    valueOf(await store.update(update));
    await own.kill();
    expect(await store.update(update)).toMatchObject({ kind: "retryable", code: "unavailable" });
    expect(await store.steps(NOW)).toMatchObject({ kind: "retryable", code: "unavailable" });
    expect(await store.snapshot(NOW)).toMatchObject({ kind: "retryable", code: "unavailable" });
    client.disconnect();
    await own.remove();
  });
});
