/** Every contract that Redis has a part in, run on one way of having a Redis. */
import { randomUUID } from "node:crypto";
import { RedisLease } from "../../src/log/redis-lease.ts";
import type { OwnRedisRoute, RedisServers } from "../../src/log/redis-route.ts";
import { RedisStreamLog } from "../../src/log/redis-stream-log.ts";
import { RedisRealtimeStore } from "../../src/realtime/redis-realtime-store.ts";
import { uniqueShard } from "../support/redis-server.ts";
import { openedRedis, ready } from "../support/redis-servers.ts";
import { ingestLogContract, type OpenLog } from "./ingest-log.ts";
import { realtimeStoreContract } from "./realtime-store.ts";
import { shardLeaseContract } from "./shard-lease.ts";

/** Declares the suites; `url` is asked for when they run. */
export function redisContracts(name: string, url: () => string): void {
  ingestLogContract(`RedisStreamLog ${name}`, logOpener(url, 0));
  ingestLogContract(`RedisStreamLog ${name} that waits for a replica`, logOpener(url, 1));

  shardLeaseContract(`RedisLease ${name}`, async () => {
    const servers = openedRedis(url());
    const shard = uniqueShard();
    const redis = await ready(servers.routeTo(shard));
    const key = `otel-bandwidth:{${shard}}:owner`;
    return {
      another: async () => new RedisLease({ token: randomUUID(), redis, shard }),
      async expire(afterMillis) {
        if (afterMillis !== undefined) return await new Promise((resolve) => setTimeout(resolve, afterMillis));
        await redis.run((connection) => connection.pexpire(key, 1));
        while ((await redis.run((connection) => connection.exists(key))) === 1);
      },
      close: async () => servers.close(),
    };
  });

  realtimeStoreContract(`RedisRealtimeStore ${name}`, async () => {
    const servers = openedRedis(url());
    const shards = [uniqueShard(), uniqueShard()] as const;
    for (const shard of shards) await ready(servers.routeTo(shard));
    const routeTo = servers.routeTo.bind(servers);
    return {
      store: new RedisRealtimeStore({ routeTo, shards, ttlSeconds: 300 }),
      shards,
      close: async () => servers.close(),
    };
  });
}

function logOpener(url: () => string, replicas: number): OpenLog {
  return async (limits, maxReadBytes = 1_000_000) => {
    const shard = uniqueShard();
    const open: (RedisServers | OwnRedisRoute)[] = [];
    const close = (): void => {
      for (const one of open.splice(0)) one.close();
    };
    const create = async (): Promise<RedisStreamLog> => {
      close();
      const servers = openedRedis(url());
      open.push(servers);
      const options = { redis: await ready(servers.routeTo(shard)), shard, limits, maxReadBytes };
      if (replicas === 0) return new RedisStreamLog(options);
      const redis = await ready(servers.ownRouteTo(shard));
      open.push(redis);
      // Machines that tests share may be slow.
      return new RedisStreamLog({ ...options, confirmation: { redis, replicas, maxWaitMillis: 1900 } });
    };
    return { log: await create(), reopen: create, close: async () => close() };
  };
}
