import { afterAll, beforeAll, expect, test } from "vitest";
import { askRedis } from "./redis-ask.ts";
import { startRedisCluster, type RedisCluster } from "./redis-cluster.ts";

let cluster: RedisCluster;
beforeAll(async () => {
  cluster = await startRedisCluster();
});
afterAll(() => cluster?.remove());

test("three primaries share the slots and have a replica each", async () => {
  const primaries = new Set(await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map((shard) => cluster.primaryOfShard(shard))));
  expect(primaries.size).toBe(3);
  for (const primary of primaries) expect(await cluster.replicasOf(primary)).toHaveLength(1);
});

test("keys of a shard are where the cluster says", async () => {
  const primary = await cluster.primaryOfShard(0);
  expect(await askRedis(primary.port, "SET otel-bandwidth:{0}:log 1")).toBe("+OK");
  const [replica] = await cluster.replicasOf(primary);
  expect(await askRedis(replica!.port, "SET otel-bandwidth:{0}:log 1")).toMatch(/^-MOVED/);
});

test("a primary that is killed is replaced by its replica, and comes back as one", async () => {
  const killed = await cluster.primaryOfShard(0);
  const [replica] = await cluster.replicasOf(killed);
  await killed.kill();
  await cluster.ok(5);
  expect(await cluster.primaryOfShard(0)).toBe(replica);
  await killed.start();
  await cluster.ok(6);
  expect(await cluster.replicasOf(replica!)).toEqual([killed]);
});

test("a primary that is held still wakes up as a replica", async () => {
  const frozen = await cluster.primaryOfShard(1);
  const [replica] = await cluster.replicasOf(frozen);
  frozen.freeze();
  await cluster.ok(5);
  expect(await cluster.primaryOfShard(1)).toBe(replica);
  frozen.thaw();
  await cluster.ok(6);
  expect(await cluster.replicasOf(replica!)).toEqual([frozen]);
});
