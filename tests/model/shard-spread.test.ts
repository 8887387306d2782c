import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { spreadShards } from "../../src/model/shard-spread.ts";

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
