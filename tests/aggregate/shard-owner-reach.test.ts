/** Owners that lose the totals, alone or like everybody else: who has the shard then, and that all is counted once. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GIVE_UP_MILLIS, LEASE_MILLIS, REST_MILLIS } from "../../src/aggregate/shard-claim.ts";
import type { ShardOwner } from "../../src/aggregate/shard-owner.ts";
import { AWAY_MILLIS } from "../../src/aggregate/totals-reach.ts";
import { retryable, type Retryable } from "../../src/model/result.ts";
import type { RollupStore } from "../../src/model/rollup-store.ts";
import type { ShardLease } from "../../src/model/shard-lease.ts";
import { LeaseModel } from "../simulation/lease-model.ts";
import { cumulative, cumulativeOf, OwnerWorlds, PERSIST, PROCESS, type OwnerWorld } from "./owner-world.ts";

const worlds = new OwnerWorlds();
beforeAll(() => worlds.prepare());
afterAll(() => worlds.remove());

const unavailable = async (): Promise<Retryable> => retryable("unavailable", "SQL is away");

/** The totals as one receiver reaches them. */
function reached(store: RollupStore, isAway: () => boolean): RollupStore {
  return {
    ...store,
    birth: () => (isAway() ? unavailable() : store.birth()),
    offset: (shard) => (isAway() ? unavailable() : store.offset(shard)),
    counterState: (keys, atLeast) => (isAway() ? unavailable() : store.counterState(keys, atLeast)),
    ledger: (slots, since, commits) => (isAway() ? unavailable() : store.ledger(slots, since, commits)),
    commit: (commit) => (isAway() ? unavailable() : store.commit(commit)),
  };
}

/** Two receivers of one shard, "a" being the one that is to have it while it stands. */
class TwoOwners {
  readonly world: OwnerWorld = worlds.make();
  readonly away: Set<string> = new Set();
  readonly #lease = new LeaseModel();
  readonly owners: ReadonlyMap<string, ShardOwner>;

  constructor() {
    this.owners = new Map(["a", "b"].map((name) => [name, this.#owner(name)]));
  }

  #owner(name: string): ShardOwner {
    const { clock } = this.world;
    const lease: ShardLease = {
      stand: async (ttl) => this.#lease.stand(name, clock.nowMillis(), ttl),
      hold: async (ttl) => this.#lease.hold(name, clock.nowMillis(), ttl),
      handOver: async () => this.#lease.handOver(name),
      release: async () => this.#lease.release(name),
    };
    const store = reached(this.world.ports().store, () => this.away.has(name));
    return this.world.owner({ lease, store, isOurs: ([first]) => first === name });
  }

  async start(): Promise<void> {
    for (const owner of this.owners.values()) await owner.start();
  }

  /** Who owns the shard. */
  get owning(): string {
    return [...this.owners].flatMap(([name, { owns }]) => (owns ? [name] : [])).join();
  }

  /** Lets time pass in steps of a second; who owned the shard meanwhile, one after the other. */
  async pass(millis: number): Promise<readonly string[]> {
    const seen: string[] = [];
    for (let passed = 0; passed < millis; passed += 1000) {
      await this.world.clock.advance(1000);
      if (this.owning !== "" && this.owning !== seen.at(-1)) seen.push(this.owning);
    }
    return seen;
  }
}

describe("an owner that alone has lost the totals", () => {
  it("leaves the shard to one that reaches them, and has it back when it does, too", async () => {
    const both = new TwoOwners();
    const { world } = both;
    await both.start();
    expect(both.owning).toBe("a");
    await world.append(cumulative(world, 100n));
    await both.pass(PERSIST - PROCESS);
    both.away.add("a");
    await world.append(cumulative(world, 160n));
    expect(await both.pass(2 * PROCESS + GIVE_UP_MILLIS + LEASE_MILLIS)).toEqual(["a", "b"]);
    await world.append(cumulativeOf(world, "second", 5n));
    // It stands no more, so that the shard is not handed back to it.
    expect(await both.pass(PERSIST + 2 * REST_MILLIS)).toEqual(["b"]);
    expect(await world.totals()).toEqual({ wire_bytes_in: 165n });
    both.away.delete("a");
    await both.pass(2 * AWAY_MILLIS);
    expect(both.owning).toBe("a");
    await world.append(cumulative(world, 170n));
    await both.pass(PERSIST + PROCESS);
    expect(await world.totals()).toEqual({ wire_bytes_in: 175n });
  });

  it("leaves it also where it holds the lease and could not take the shard over", async () => {
    const both = new TwoOwners();
    both.away.add("a");
    await both.start();
    expect(both.owning).toBe("");
    expect(await both.pass(GIVE_UP_MILLIS + LEASE_MILLIS)).toEqual(["b"]);
  });

  it("does not get it while it rests, although it reaches them again", async () => {
    const both = new TwoOwners();
    await both.start();
    both.away.add("a");
    await both.pass(PROCESS + GIVE_UP_MILLIS + LEASE_MILLIS);
    expect(both.owning).toBe("b");
    both.away.delete("a");
    expect(await both.pass(REST_MILLIS - 2 * LEASE_MILLIS)).toEqual(["b"]);
  });
});

describe("an owner that has lost the totals like everybody else", () => {
  it("keeps the shard and what it folded, and is not left when they are back", async () => {
    const both = new TwoOwners();
    const { world } = both;
    await both.start();
    await world.append(cumulative(world, 100n));
    await both.pass(PERSIST - PROCESS);
    for (const name of both.owners.keys()) both.away.add(name);
    expect(await both.pass(10 * PERSIST)).toEqual(["a"]);
    both.away.delete("b");
    await both.pass(AWAY_MILLIS);
    both.away.delete("a");
    expect(await both.pass(PERSIST)).toEqual(["a"]);
    expect(await world.totals()).toEqual({ wire_bytes_in: 100n });
    expect(world.reports).toEqual(["shard 0: SQL is away"]);
  });
});
