import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inspectRedis } from "../../src/log/redis-inspection.ts";
import { RedisStreamLog } from "../../src/log/redis-stream-log.ts";
import { systemClock } from "../../src/model/clock.ts";
import { redisContracts } from "../contract/redis-suites.ts";
import { LogJournal } from "../support/log-journal.ts";
import { startWatchedRedis, type WatchedRedis } from "../support/redis-sentinel.ts";
import { uniqueShard, type RedisServer } from "../support/redis-server.ts";
import { openedRedis, ready } from "../support/redis-servers.ts";

let redis: WatchedRedis;
beforeAll(async () => {
  redis = await startWatchedRedis();
});
afterAll(() => redis?.remove());

redisContracts("behind Sentinels", () => redis.url);

it.each([
  ["a name that no Sentinel knows", (url: string) => url.replace("/mymaster", "/another"), "correct it in REDIS_URL"],
  ["a wrong password for Sentinels", (url: string) => url.replace("b%26", "wrong"), "user or the password"],
  ["a wrong password for servers", (url: string) => url.replace(":a@", ":wrong@"), "user or the password"],
])("%s is told from a Redis that is away", async (_name, change, reason) => {
  const inspected = await inspectRedis({ url: change(redis.url), clock: systemClock });
  expect(inspected).toMatchObject({ kind: "retryable", reason: expect.stringContaining(reason) as string });
});

type Return = (old: RedisServer, promoted: RedisServer) => Promise<void> | void;

describe("a log behind Sentinels that waits for a replica loses and doubles nothing", () => {
  it.each<readonly [string, (primary: RedisServer) => Promise<void> | void, Return]>([
    // The Sentinels would make a replica of it, but not at once.
    ["is killed", (primary) => primary.kill(), (old, by) => old.start({ replicaof: `127.0.0.1 ${by.port}` })],
    ["stands still and wakes up as an old one", (primary) => primary.freeze(), (old) => old.thaw()],
  ])("when the primary %s", { timeout: 120_000 }, async (_name, end, bringBack) => {
    const primary = await redis.primary();
    const other = redis.servers.find((server) => server !== primary)!;
    const servers = openedRedis(redis.url);
    const shard = uniqueShard();
    const route = await ready(servers.ownRouteTo(shard));
    const confirmation = { redis: route, replicas: 1 };
    const log = new RedisStreamLog({
      redis: await ready(servers.routeTo(shard)),
      shard,
      limits: { maxEntries: 1_000_000, maxBytes: 1_000_000_000 },
      confirmation,
    });
    const journal = new LogJournal(log);
    journal.start();
    try {
      await journal.more(50);
      await end(primary);
      await redis.promoted(other);
      await bringBack(primary, other);
      await journal.more(50);
      expect(await journal.compare()).toEqual({ lost: 0, doubled: 0 });
      expect(journal.refused).toBeGreaterThan(0);
    } finally {
      route.close();
      servers.close();
    }
  });
});
