/** What every lease that several processes can want must do. */
import { afterEach, describe, expect, it } from "vitest";
import type { ShardLease } from "../../src/model/shard-lease.ts";

/** Leases of one shard, each as a process of its own would have it. */
export interface LeasesUnderTest {
  /** Another process's lease of the same shard. */
  another(): Promise<ShardLease>;
  /** Lets the time of whoever holds the lease run out; with `afterMillis`, lets that time pass. */
  expire(afterMillis?: number): Promise<void>;
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

    it("tells who holds it, who does not and that nobody does", async () => {
      const leases = await openLeases();
      const [first, second] = [await leases.another(), await leases.another()];
      const states = async (): Promise<string[]> => [
        (await first.stand(60_000)).state,
        (await second.stand(60_000)).state,
      ];
      expect(await states()).toEqual(["free", "free"]);
      await first.hold(60_000);
      expect(await states()).toEqual(["held", "taken"]);
      await first.handOver();
      expect(await states()).toEqual(["free", "free"]);
    });

    it("shows everyone the same receivers that stand for it, without those that released it", async () => {
      const leases = await openLeases();
      const three = [await leases.another(), await leases.another(), await leases.another()];
      for (const lease of three) await lease.stand(60_000);
      const [first, second, third] = [...three];
      const seen = await Promise.all(three.map(async (lease) => (await lease.stand(60_000)).candidates));
      expect(new Set(seen[0]).size).toBe(3);
      expect([seen[1], seen[2], [...seen[0]!].sort()]).toEqual([seen[0], seen[0], seen[0]]);
      await third!.release();
      expect((await first!.stand(60_000)).candidates).toHaveLength(2);
      await second!.handOver();
      expect((await first!.stand(60_000)).candidates).toHaveLength(2);
    });

    it("shows no receiver that has not stood for longer than it said", async () => {
      const leases = await openLeases();
      const [first, second] = [await leases.another(), await leases.another()];
      await first.stand(1);
      let { candidates } = await second.stand(60_000);
      while (candidates.length > 1) ({ candidates } = await second.stand(60_000));
      expect(candidates).toHaveLength(1);
    });

    it("is renewed by its holder's standing", async () => {
      const leases = await openLeases();
      const [first, second] = [await leases.another(), await leases.another()];
      await first.hold(400);
      await first.stand(60_000);
      await leases.expire(400);
      expect(await second.hold(60_000)).toBe(false);
    });

    it("has one holder when many ask at once", async () => {
      const leases = await openLeases();
      const wanted = await Promise.all(Array.from({ length: 10 }, async () => await leases.another()));
      const held = await Promise.all(wanted.map(async (lease) => await lease.hold(60_000)));
      expect(held.filter(Boolean).length).toBe(1);
    });
  });
}
