/**
 * A receiver on a cluster, whose Redis primaries die one after the other under load, each to come back as a replica. In the end the
 * totals are what was acknowledged, to the byte.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startCommand } from "../support/command.ts";
import { freePort } from "../support/free-port.ts";
import { startRedisCluster, type RedisCluster } from "../support/redis-cluster.ts";
import { ServiceLoad } from "../support/service-load.ts";
import { embeddedColumnSums } from "../support/totals.ts";

let folder: string;
let cluster: RedisCluster;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "otel-bandwidth-cluster-"));
  cluster = await startRedisCluster();
});
afterAll(async () => {
  await cluster?.remove();
  rmSync(folder, { recursive: true, force: true });
});

it("a receiver outlives the primaries of its shards", { timeout: 120_000 }, async () => {
  const otlpPort = await freePort();
  const receiver = startCommand([], {
    OTLP_PORT: String(otlpPort),
    BRIDGE_PORT: String(await freePort()),
    METRICS_PROCESS_INTERVAL: "50",
    METRICS_PERSIST_INTERVAL: "150",
    DATA_DIR: folder,
    REDIS_URL: cluster.url,
    REDIS_WAIT_REPLICAS: "1",
    SHARDS: "4",
  });
  await receiver.printed(/log in Redis at the cluster of /);
  const load = new ServiceLoad(`http://127.0.0.1:${otlpPort}`);
  try {
    for (const shard of [0, 1]) {
      await load.acknowledges(60);
      const primary = await cluster.primaryOfShard(shard);
      await primary.kill();
      await cluster.ok(5);
      await primary.start();
      await cluster.ok(6);
    }
    await load.acknowledges(60);
    const expected = await load.end();
    expect(load.repetitions).toBeGreaterThan(0);
    await expect.poll(() => embeddedColumnSums(folder), { timeout: 30_000, interval: 200 }).toEqual(expected);
    expect((await receiver.stop()).code).toBe(0);
    expect(await embeddedColumnSums(folder)).toEqual(expected);
  } finally {
    receiver.child.kill("SIGKILL");
    load.giveUp();
  }
});
