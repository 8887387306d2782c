import type { Redis } from "ioredis";
import { afterAll, beforeAll } from "vitest";
import type { LogLimits } from "../../src/model/ingest-log.ts";
import { RedisStreamLog } from "../../src/log/redis-stream-log.ts";
import { ingestLogContract } from "../contract/ingest-log.ts";
import type { LogUnderTest } from "../contract/ingest-log.ts";
import { connectedRedis } from "../support/redis-client.ts";
import { startReplica, startRedisServer, testRedis, uniqueShard } from "../support/redis-server.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { fixedRoute } from "../../src/log/redis-route.ts";

let server: Awaited<ReturnType<typeof testRedis>>;
let primary: RedisServer;
let replica: RedisServer;

beforeAll(async () => {
  [server, primary] = await Promise.all([testRedis(), startRedisServer()]);
  replica = await startReplica(primary);
});
afterAll(async () => {
  await Promise.all([server.remove(), primary.remove(), replica.remove()]);
});

async function openRedisLog(
  url: string,
  replicas: number,
  limits: LogLimits,
  maxReadBytes = 16 * 1024 * 1024,
): Promise<LogUnderTest> {
  const shard = uniqueShard();
  const connections: Redis[] = [];
  const connect = async (): Promise<Redis> => {
    const redis = await connectedRedis(url);
    connections.push(redis);
    return redis;
  };
  const create = async (): Promise<RedisStreamLog> => {
    for (const connection of connections.splice(0)) connection.disconnect();
    const options = { redis: fixedRoute(await connect()), shard, limits, maxReadBytes };
    if (replicas === 0) return new RedisStreamLog(options);
    return new RedisStreamLog({ ...options, confirmation: { redis: fixedRoute(await connect()), replicas } });
  };
  return {
    log: await create(),
    reopen: create,
    async close() {
      const prefix = `otel-bandwidth:{${shard}}:log`;
      await connections[0]!.del(prefix, `${prefix}:size`, `${prefix}:probe`);
      for (const connection of connections) connection.disconnect();
    },
  };
}

ingestLogContract("RedisStreamLog", (...about) => openRedisLog(server.url, 0, ...about));
ingestLogContract("RedisStreamLog that waits for a replica", (...about) => openRedisLog(primary.url, 1, ...about));
