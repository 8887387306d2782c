import * as fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { slotOfShard } from "../../src/log/redis-slot.ts";
import { askRedis } from "../support/redis-ask.ts";
import { startRedisServer, type RedisServer } from "../support/redis-server.ts";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedisServer({ "cluster-enabled": "yes" });
});
afterAll(() => server?.remove());

it("a shard's slot is the one that Redis gives to each of its keys", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(2 ** 31), fc.constantFrom("log", "log:size", "owner", "realtime"), async (shard, key) => {
      const reply = await askRedis(server.port, `CLUSTER KEYSLOT otel-bandwidth:{${shard}}:${key}`);
      expect(reply).toBe(`:${slotOfShard(shard)}`);
    }),
    { numRuns: 50 },
  );
});
