import { afterAll, beforeAll } from "vitest";
import type { LogLimits } from "../../src/model/ingest-log.ts";
import { RedisStreamLog } from "../../src/log/redis-stream-log.ts";
import { ingestLogContract } from "../contract/ingest-log.ts";
import type { LogUnderTest } from "../contract/ingest-log.ts";
import { connectedRedis } from "../support/redis-client.ts";
import { testRedis, uniqueShard } from "../support/redis-server.ts";

let server: Awaited<ReturnType<typeof testRedis>>;

beforeAll(async () => {
  server = await testRedis();
});
afterAll(async () => {
  await server.remove();
});

async function openRedisLog(limits: LogLimits, maxReadBytes = 16 * 1024 * 1024): Promise<LogUnderTest> {
  const shard = uniqueShard();
  let redis = await connectedRedis(server.url);
  const create = (): RedisStreamLog => new RedisStreamLog({ redis, shard, limits, maxReadBytes });
  return {
    log: create(),
    async reopen() {
      redis.disconnect();
      redis = await connectedRedis(server.url);
      return create();
    },
    async close() {
      const prefix = `otel-bandwidth:{${shard}}:log`;
      await redis.del(prefix, `${prefix}:size`, `${prefix}:probe`);
      redis.disconnect();
    },
  };
}

ingestLogContract("RedisStreamLog", openRedisLog);
