import { expect, it, vi } from "vitest";
import { loadSettings } from "../../src/app/load-settings.ts";
import { openLogStores } from "../../src/app/stores.ts";
import { freePort } from "../support/free-port.ts";
import { valueOf } from "../support/log-entries.ts";

const asked = vi.hoisted((): { shards: readonly number[] } => ({ shards: [] }));
vi.mock(import("../../src/log/redis-durability.ts"), async (original) => ({
  ...(await original()),
  checkServersDurability: async (_servers, shards) => {
    asked.shards = [...shards];
    return [];
  },
}));

it("says what is not durable of the servers of all shards there are, whatever SHARDS was at the start", async () => {
  const loaded = loadSettings({ REDIS_URL: `redis://127.0.0.1:${await freePort()}`, SHARDS: "2" });
  if (loaded.kind === "failure") throw new Error(loaded.faults.join());
  const logs = valueOf(openLogStores(loaded.settings));
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
