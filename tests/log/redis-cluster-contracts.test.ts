import { afterAll, beforeAll } from "vitest";
import { redisContracts } from "../contract/redis-suites.ts";
import { startRedisCluster, type RedisCluster } from "../support/redis-cluster.ts";

let cluster: RedisCluster;
beforeAll(async () => {
  cluster = await startRedisCluster();
});
afterAll(() => cluster?.remove());

redisContracts("on a cluster", () => cluster.url);
