import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RememberedSpread, spreadShards } from "../../src/model/shard-spread.ts";

const receivers = (minLength: number): fc.Arbitrary<string[]> =>
  fc.uniqueArray(fc.uuid(), { minLength, maxLength: 12 });
const shardCounts = fc.integer({ min: 1, max: 128 });

function countsOf(spread: readonly string[], names: readonly string[]): number[] {
  return names.map((name) => spread.filter((receiver) => receiver === name).length);
}

function movedBetween(before: readonly string[], after: readonly string[]): number[] {
  return before.flatMap((receiver, shard) => (receiver === after[shard] ? [] : [shard]));
}

describe("spreading shards over receivers", () => {
  it("gives every shard to one of them, and none more than one shard more than another", () => {
    fc.assert(
      fc.property(receivers(1), shardCounts, (names, shardCount) => {
        const spread = spreadShards(names, shardCount);
        expect(spread).toHaveLength(shardCount);
        const counts = countsOf(spread, names);
        expect(counts.reduce((sum, count) => sum + count)).toBe(shardCount);
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it("comes to the same whatever order they are named in, and however often", () => {
    fc.assert(
      fc.property(receivers(1), shardCounts, fc.func(fc.integer()), (names, shardCount, order) => {
        const shuffled = names.toSorted((a, b) => order(a) - order(b));
        expect(spreadShards([...shuffled, ...names], shardCount)).toEqual(spreadShards(names, shardCount));
      }),
    );
  });

  it("leaves shards without a receiver where there is none", () => {
    expect(spreadShards([], 4)).toEqual([]);
  });

  it("moves few shards beyond those that must when one comes or goes", () => {
    let [must, moved] = [0, 0];
    fc.assert(
      fc.property(receivers(2), shardCounts, (names, shardCount) => {
        const all = spreadShards(names, shardCount);
        const without = spreadShards(names.slice(1), shardCount);
        const least = all.filter((receiver) => receiver === names[0]).length;
        const moves = movedBetween(all, without).length;
        expect(moves).toBeGreaterThanOrEqual(least);
        must += least;
        moved += moves;
      }),
      { numRuns: 500, seed: 1 },
    );
    expect(moved / must).toBeLessThan(1.6);
  });
});

describe("a remembered spread", () => {
  const lists = (length: number): string[][] =>
    Array.from({ length }, (_, missing) => ["a", "b", "c", "d", "e"].toSpliced(missing % 5, 1).concat(`of ${missing}`));

  it("is the spread, and computed once for each of a few lists that are asked for in turn", () => {
    let computed = 0;
    const spread = new RememberedSpread(64, (names, shardCount) => {
      computed += 1;
      return spreadShards(names, shardCount);
    });
    const asked = lists(4);
    for (let shard = 0; shard < 64; shard += 1) {
      for (const names of asked) {
        expect(spread.receiverOf(names, shard)).toBe(spreadShards(names, 64)[shard]);
      }
    }
    expect([computed, spread.receiverOf([], 0)]).toEqual([4, undefined]);
  });

  it("forgets the lists that were not asked for lately", () => {
    const computed: (readonly string[])[] = [];
    const spread = new RememberedSpread(4, (names) => (computed.push(names), ["one"]));
    const [first, ...others] = lists(100);
    for (const names of others) {
      spread.receiverOf(first!, 0);
      spread.receiverOf(names, 0);
    }
    expect(computed.length).toBe(100);
    spread.receiverOf(others[0]!, 0);
    expect(computed.length).toBe(101);
  });
});
