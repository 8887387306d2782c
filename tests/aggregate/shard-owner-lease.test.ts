/** What an owner does for its lease, and when nobody can be asked about it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LEASE_MILLIS } from "../../src/aggregate/shard-claim.ts";
import type { ShardOwner } from "../../src/aggregate/shard-owner.ts";
import { retryable } from "../../src/model/result.ts";
import type { LeaseView } from "../../src/model/shard-lease.ts";
import { cumulative, OwnerWorlds, PERSIST, PROCESS, type OwnerWorld } from "./owner-world.ts";

const worlds = new OwnerWorlds();
beforeAll(() => worlds.prepare());
afterAll(() => worlds.remove());

const UNAVAILABLE = retryable("unavailable", "SQL is away");

describe("an owner keeps its lease", () => {
  it.each(["fold", "take-over"] as const)("during a %s that takes longer than that is", async (work) => {
    const world = worlds.make();
    const { lease, log, store } = world.ports();
    const { clock } = world;
    let slow: string = work;
    const held: number[] = [];
    const later = async <T>(value: T, part: string): Promise<T> => {
      if (part === slow) await new Promise<void>((resolve) => void clock.after(2 * LEASE_MILLIS, resolve));
      return value;
    };
    const stand = async (ttlMillis: number): Promise<LeaseView> => {
      held.push(clock.monotonicMillis());
      return await lease.stand(ttlMillis);
    };
    const started: ShardOwner[] = [];
    const owner = await world.started({
      lease: { ...lease, stand },
      log: {
        open: log.open.bind(log),
        supersede: log.supersede.bind(log),
        seal: log.seal.bind(log),
        append: log.append.bind(log),
        trim: log.trim.bind(log),
        status: log.status.bind(log),
        writable: log.writable.bind(log),
        // A take-over looks for a gap: only what is read of an owned shard is folded.
        read: async (after, limit) => await later(await log.read(after, limit), started[0]?.owns ? "fold" : ""),
      },
      store: {
        ...store,
        ledger: async (slots, since, commits) => await later(await store.ledger(slots, since, commits), "take-over"),
      },
    });
    started.push(owner);
    await clock.advance(PROCESS + 2 * LEASE_MILLIS - 1);
    slow = "";
    expect(held.length).toBeGreaterThanOrEqual(7);
    for (const [index, at] of held.entries())
      expect(at - (held[index - 1] ?? at)).toBeLessThanOrEqual(LEASE_MILLIS / 2);
  });
});

describe("an owner that cannot ask about its lease", () => {
  async function lost(
    world: OwnerWorld,
    isAway: () => boolean = () => false,
  ): Promise<{ owner: ShardOwner; back: () => void }> {
    let state: LeaseView["state"] = "held";
    const { lease, store } = world.ports();
    const stand = async (): Promise<LeaseView> => ({ state, candidates: ["me"] });
    const owner = await world.started({
      lease: { ...lease, stand },
      store: { ...store, offset: async (shard) => (isAway() ? UNAVAILABLE : await store.offset(shard)) },
    });
    await world.append(cumulative(world, 100n));
    await world.clock.advance(PROCESS);
    state = "unknown";
    return { owner, back: () => (state = "held") };
  }

  it("commits what it folded before it steps down: the log may have lost it when it is back", async () => {
    const world = worlds.make();
    const { owner, back } = await lost(world);
    await world.clock.advance(PERSIST / 2);
    expect([owner.owns, world.commits.length, await world.totals()]).toEqual([false, 1, { wire_bytes_in: 100n }]);
    back();
    await world.append(cumulative(world, 130n));
    await world.clock.advance(PERSIST + PROCESS);
    expect([owner.owns, await world.totals()]).toEqual([true, { wire_bytes_in: 130n }]);
  });

  it("tries that once, and counts nothing twice when nobody could be asked whether it arrived", async () => {
    const world = worlds.make();
    let isAway = false;
    const { owner, back } = await lost(world, () => isAway);
    world.commit = async (commit) => {
      await world.store.commit(commit);
      isAway = true;
      return UNAVAILABLE;
    };
    await world.clock.advance(PERSIST / 2);
    expect([owner.owns, world.commits.length]).toEqual([false, 1]);
    isAway = false;
    world.commit = (commit) => world.store.commit(commit);
    back();
    await world.append(cumulative(world, 130n));
    await world.clock.advance(PERSIST + PROCESS);
    expect(await world.totals()).toEqual({ wire_bytes_in: 130n });
  });

  it("commits nothing where nothing was folded since the last commit", async () => {
    const world = worlds.make();
    const { owner } = await lost(world);
    await world.clock.advance(PERSIST);
    expect([owner.owns, world.commits.length]).toEqual([false, 1]);
  });
});
