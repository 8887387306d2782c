import { afterEach, expect, it, vi } from "vitest";
import { loadSettings } from "../../src/app/load-settings.ts";
import { openLogStores, type LogStores } from "../../src/app/stores.ts";
import { freePort } from "../support/free-port.ts";
import { valueOf } from "../support/log-entries.ts";
import { startRedisServer } from "../support/redis-server.ts";

const asked = vi.hoisted((): { shards: readonly number[] } => ({ shards: [] }));
vi.mock(import("../../src/log/redis-durability.ts"), async (original) => ({
  ...(await original()),
  checkServersDurability: async (_servers, shards) => {
    asked.shards = [...shards];
    return [];
  },
}));

let stores: LogStores | undefined;
afterEach(async () => {
  await stores?.close();
});

it("a lease that cannot be had twice in a row is reported once, and again when it worked in between", async () => {
  const redis = await startRedisServer();
  try {
    const loaded = loadSettings({}, { redisUrl: redis.url });
    if (loaded.kind === "failure") throw new Error(loaded.faults.join());
    const reports: string[] = [];
    stores = valueOf(openLogStores(loaded.settings, (message) => void reports.push(message)));
    const layout = { epoch: 1, shardCount: 1, previousShardCount: 0, wantedShardCount: 1 };
    const lease = stores.open(layout).leases[0]!;
    const taken = async (): Promise<void> => {
      await expect.poll(() => lease.hold(60_000), { timeout: 20_000 }).toBe(true);
      reports.length = 0;
    };
    await taken();
    for (let fault = 0; fault < 2; fault += 1) {
      await redis.kill();
      expect([(await lease.stand(60_000)).state, reports]).toEqual(["unknown", []]);
      for (let look = 0; look < 3; look += 1) expect((await lease.stand(60_000)).state).toBe("unknown");
      expect(reports).toEqual([expect.stringContaining("shard 0: its lease cannot be asked for: ")]);
      await redis.start();
      await taken();
    }
  } finally {
    await redis.remove();
  }
});

it("says what is not durable of the servers of all shards there are, whatever SHARDS was at the start", async () => {
  const loaded = loadSettings({ REDIS_URL: `redis://127.0.0.1:${await freePort()}`, SHARDS: "2" });
  if (loaded.kind === "failure") throw new Error(loaded.faults.join());
  const logs = valueOf(openLogStores(loaded.settings, () => undefined));
  try {
    await logs.warnings();
    expect(asked.shards).toEqual([0, 1]);
    logs.open({ epoch: 3, shardCount: 4, previousShardCount: 2, wantedShardCount: 4 });
    await logs.warnings();
    expect(asked.shards).toEqual([0, 1, 2, 3]);
  } finally {
    await logs.close();
  }
});
