import { afterAll, beforeAll, expect, it } from "vitest";
import { inspectRedis } from "../../src/log/redis-inspection.ts";
import { systemClock } from "../../src/model/clock.ts";
import { redisContracts } from "../contract/redis-suites.ts";
import { valueOf } from "../support/log-entries.ts";
import { askRedis } from "../support/redis-ask.ts";
import { startRedisCluster, type RedisCluster } from "../support/redis-cluster.ts";

let cluster: RedisCluster;
beforeAll(async () => {
  cluster = await startRedisCluster();
});
afterAll(() => cluster?.remove());

redisContracts("on a cluster", () => cluster.url);

it("a setting that one primary of many lacks is found, with where it is", async () => {
  const shards = [0, 1, 2, 3, 4, 5, 6, 7];
  const { port } = await cluster.primaryOfShard(5);
  expect(await askRedis(port, "CONFIG SET appendfsync everysec")).toBe("+OK");
  const { primaries, findings } = valueOf(
    await inspectRedis({ url: cluster.url, clock: systemClock, shards, waitReplicas: 1 }),
  );
  expect(primaries).toHaveLength(3);
  const about = findings.filter(({ setting }) => setting === "appendfsync").map(({ message }) => message);
  expect(about).toEqual([expect.stringMatching(new RegExp(`^127\\.0\\.0\\.1:${port}: appendfsync is everysec`))]);
  expect(await askRedis(port, "CONFIG SET appendfsync always")).toBe("+OK");
});
