import { afterEach, expect, it } from "vitest";
import { parseRedisAddress } from "../../src/log/redis-address.ts";
import { RedisCluster } from "../../src/log/redis-cluster.ts";
import { bulk, startFakeRedis, type FakeRedis } from "../support/fake-redis.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { valueOf } from "../support/log-entries.ts";

const nodes: FakeRedis[] = [];
let cluster: RedisCluster | undefined;
afterEach(async () => {
  cluster?.close();
  for (const node of nodes.splice(0)) await node.close();
});

async function startNode(answers: (port: number) => Readonly<Record<string, string>>): Promise<FakeRedis> {
  const started = await startFakeRedis(answers);
  nodes.push(started);
  return started;
}

it("a node that is loading its data does not keep the others from being asked", async () => {
  const loading = await startNode(() => ({ INFO: bulk("loading:1\r\nloading_eta_seconds:1\r\n") }));
  const ready = await startNode((port) => ({
    INFO: bulk("loading:0\r\n"),
    "CLUSTER INFO": bulk("cluster_state:ok\r\n"),
    "CLUSTER SLOTS": `*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n${bulk("127.0.0.1")}\r\n:${port}`,
  }));
  const address = valueOf(parseRedisAddress(`redis+cluster://127.0.0.1:${loading.port},127.0.0.1:${ready.port}`));
  const clock = new FakeClock(0);
  // The first of the address is asked first.
  cluster = new RedisCluster(address, { random: () => 0 }, clock);
  const primaries = cluster.primaries([0]);
  await expect.poll(() => loading.commands).toContain("INFO");
  await clock.advance(1999);
  expect(ready.commands).toEqual([]);
  await clock.advance(1);
  expect((await primaries).map(({ place }) => place)).toEqual([`127.0.0.1:${ready.port}`]);
});
