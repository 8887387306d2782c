/** Eight shards over receivers that come, go, die and stand still, by real leases in Redis. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Redis } from "ioredis";
import { ShardClaim } from "../../src/aggregate/shard-claim.ts";
import { RedisLease } from "../../src/log/redis-lease.ts";
import { fixedRoute } from "../../src/log/redis-route.ts";
import { systemClock } from "../../src/model/clock.ts";
import { spreadShards } from "../../src/model/shard-spread.ts";
import { connectedRedis } from "../support/redis-client.ts";
import { startRedisServer } from "../support/redis-server.ts";

const SHARDS = 8;

let server: Awaited<ReturnType<typeof startRedisServer>>;
let redis: Redis;

beforeAll(async () => {
  server = await startRedisServer();
  redis = await connectedRedis(server.url);
});
afterAll(async () => {
  redis.disconnect();
  await server.remove();
});

/** What an owner does about its lease, for every shard. */
class Receiver {
  readonly name: string;
  readonly owned = new Set<number>();
  isPaused = false;
  #ended = false;
  readonly #leases: readonly RedisLease[];
  readonly #claims: readonly ShardClaim[];

  constructor(name: string) {
    this.name = name;
    const shards = Array.from({ length: SHARDS }, (_, shard) => shard);
    this.#leases = shards.map((shard) => new RedisLease({ redis: fixedRoute(redis), shard, token: name }));
    this.#claims = this.#leases.map(
      (lease, shard) =>
        new ShardClaim({
          lease,
          clock: systemClock,
          isOurs: (candidates) => spreadShards(candidates, SHARDS)[shard] === name,
        }),
    );
    void this.#run();
  }

  async #run(): Promise<void> {
    while (!this.#ended) {
      if (!this.isPaused) await Promise.all(this.#claims.map((claim, shard) => this.#look(claim, shard)));
      await new Promise((resolve) => void systemClock.after(200, () => resolve(undefined)));
    }
  }

  async #look(claim: ShardClaim, shard: number): Promise<void> {
    const may = await claim.look();
    if (this.#ended) return;
    if (may === "own") this.owned.add(shard);
    else this.owned.delete(shard);
    if (may === "hand over") await this.#leases[shard]!.handOver();
  }

  /** As `kill -9` ends it. */
  kill(): void {
    this.#ended = true;
    this.owned.clear();
  }

  async stop(): Promise<void> {
    this.kill();
    await Promise.all(this.#leases.map((lease) => lease.release()));
  }
}

/** Resolves when the receivers own all shards, in these numbers, whoever has how many. */
async function spreadAs(receivers: readonly Receiver[], counts: readonly number[]): Promise<void> {
  const now = (): number[] => receivers.map(({ owned }) => owned.size).sort((a, b) => a - b);
  await expect.poll(now, { timeout: 30_000 }).toEqual(counts);
  expect(new Set(receivers.flatMap(({ owned }) => [...owned])).size).toBe(SHARDS);
}

describe("eight shards", () => {
  it("spread evenly over the receivers there are, through deaths and pauses", { timeout: 120_000 }, async () => {
    const first = new Receiver("first");
    await spreadAs([first], [8]);
    const second = new Receiver("second");
    await spreadAs([first, second], [4, 4]);
    const third = new Receiver("third");
    await spreadAs([first, second, third], [2, 3, 3]);
    second.kill();
    await spreadAs([first, third], [4, 4]);
    third.isPaused = true;
    await spreadAs([first], [8]);
    third.isPaused = false;
    await spreadAs([first, third], [4, 4]);
    await first.stop();
    await spreadAs([third], [8]);
    await third.stop();
  });
});
