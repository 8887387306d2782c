/** What an owner does for its lease. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LEASE_MILLIS } from "../../src/aggregate/shard-claim.ts";
import type { ShardOwner } from "../../src/aggregate/shard-owner.ts";
import { OwnerWorlds, PROCESS } from "./owner-world.ts";

const worlds = new OwnerWorlds();
beforeAll(() => worlds.prepare());
afterAll(() => worlds.remove());

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
    const hold = async (): Promise<boolean> => held.push(clock.monotonicMillis()) > 0;
    let owner: ShardOwner | undefined;
    owner = await world.started({
      lease: { ...lease, hold },
      log: {
        open: log.open.bind(log),
        supersede: log.supersede.bind(log),
        seal: log.seal.bind(log),
        append: log.append.bind(log),
        trim: log.trim.bind(log),
        status: log.status.bind(log),
        writable: log.writable.bind(log),
        // A take-over looks for a gap: only what is read of an owned shard is folded.
        read: async (after, limit) => await later(await log.read(after, limit), owner?.owns ? "fold" : ""),
      },
      store: {
        ...store,
        ledger: async (slots, since, commits) => await later(await store.ledger(slots, since, commits), "take-over"),
      },
    });
    await clock.advance(PROCESS + 2 * LEASE_MILLIS - 1);
    slow = "";
    expect(held.length).toBeGreaterThanOrEqual(7);
    for (const [index, at] of held.entries()) expect(at - (held[index - 1] ?? at)).toBeLessThan(LEASE_MILLIS / 2);
  });
});
