/** What every lease that several processes can want must do. */
import { afterEach, describe, expect, it } from "vitest";
import type { ShardLease } from "../../src/model/shard-lease.ts";

/** Leases of one shard, each as a process of its own would have it. */
export interface LeasesUnderTest {
  /** Another process's lease of the same shard. */
  another(): Promise<ShardLease>;
  /** Lets the time of whoever holds the lease run out. */
  expire(): Promise<void>;
  close(): Promise<void>;
}

/** Declares the suite for one implementation. */
export function shardLeaseContract(name: string, open: () => Promise<LeasesUnderTest>): void {
  describe(`${name} as a shard's lease`, () => {
    const opened: LeasesUnderTest[] = [];
    const openLeases = async (): Promise<LeasesUnderTest> => {
      const leases = await open();
      opened.push(leases);
      return leases;
    };
    afterEach(async () => {
      for (const leases of opened.splice(0)) await leases.close();
    });

    it("is held by the first that asks, who can renew it, and by nobody else", async () => {
      const leases = await openLeases();
      const [first, second] = [await leases.another(), await leases.another()];
      expect([await first.hold(60_000), await second.hold(60_000), await first.hold(60_000)]).toEqual([
        true,
        false,
        true,
      ]);
    });

    it("passes to another when it was given up", async () => {
      const leases = await openLeases();
      const [first, second] = [await leases.another(), await leases.another()];
      await first.hold(60_000);
      await first.release();
      expect([await second.hold(60_000), await first.hold(60_000)]).toEqual([true, false]);
    });

    it("passes to another when its time ran out", async () => {
      const leases = await openLeases();
      const [first, second] = [await leases.another(), await leases.another()];
      await first.hold(60_000);
      await leases.expire();
      expect([await second.hold(60_000), await first.hold(60_000)]).toEqual([true, false]);
    });

    it("cannot be given up by who does not hold it", async () => {
      const leases = await openLeases();
      const [first, second] = [await leases.another(), await leases.another()];
      await first.hold(60_000);
      await second.release();
      expect([await second.hold(60_000), await first.hold(60_000)]).toEqual([false, true]);
    });

    it("has one holder when many ask at once", async () => {
      const leases = await openLeases();
      const wanted = await Promise.all(Array.from({ length: 10 }, async () => await leases.another()));
      const held = await Promise.all(wanted.map(async (lease) => await lease.hold(60_000)));
      expect(held.filter(Boolean).length).toBe(1);
    });
  });
}
