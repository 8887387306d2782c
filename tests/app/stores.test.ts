import { afterEach, expect, it } from "vitest";
import { loadSettings } from "../../src/app/load-settings.ts";
import { openLogStores, type LogStores } from "../../src/app/stores.ts";
import { valueOf } from "../support/log-entries.ts";
import { startRedisServer } from "../support/redis-server.ts";

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
