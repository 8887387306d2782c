import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DecodedRoom } from "../../src/aggregate/decoded-room.ts";
import { OfferedEntries } from "../../src/aggregate/offered-entries.ts";

const MAX = 1000;
const SHARDS = 64;

/** The offered entries of all shards of a process. */
class Shards {
  readonly all: readonly OfferedEntries[];
  readonly held: Map<string, number>[] = Array.from({ length: SHARDS }, () => new Map());
  #sequence = 0;

  constructor(maxBytes: number) {
    const room = new DecodedRoom(maxBytes);
    this.all = Array.from({ length: SHARDS }, () => new OfferedEntries(room));
  }

  /** Whether it was kept. */
  offer(shard: number, bytes: number): boolean {
    const id = `${++this.#sequence}-0`;
    const entry = { id, entryKey: "", bodyHash: new Uint8Array(0), receivedAtMillis: 0 };
    this.all[shard]!.offer({ entry, storedBytes: 1, body: new Uint8Array(bytes), isClean: true });
    const isKept = this.all[shard]!.get(id) !== undefined;
    if (isKept) this.held[shard]!.set(id, bytes);
    return isKept;
  }

  take(shard: number): void {
    const [id] = this.held[shard]!.keys();
    if (id === undefined) return;
    this.all[shard]!.take(id);
    this.held[shard]!.delete(id);
  }

  clear(shard: number): void {
    this.all[shard]!.clear();
    this.held[shard]!.clear();
  }

  bytesOf(shard: number): number {
    return [...this.held[shard]!.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  get bytes(): number {
    return this.all.reduce((sum, _, shard) => sum + this.bytesOf(shard), 0);
  }
}

const operations = fc.array(
  fc.record({
    shard: fc.integer({ min: 0, max: 4 }),
    bytes: fc.integer({ min: 0, max: 400 }),
    kind: fc.constantFrom("offer", "offer", "take", "clear"),
  }),
  { maxLength: 200 },
);

describe("the room for inflated bodies", () => {
  it("keeps what fits into it, over all shards, and nothing that does not", () => {
    fc.assert(
      fc.property(operations, (steps) => {
        const shards = new Shards(MAX);
        for (const { shard, bytes, kind } of steps) {
          const before = shards.bytes;
          if (kind === "take") shards.take(shard);
          else if (kind === "clear") shards.clear(shard);
          else expect(shards.offer(shard, bytes)).toBe(before + bytes <= MAX);
        }
        const crowded = shards.all.map(({ crowded: isCrowded }) => isCrowded);
        const most = Math.max(...shards.all.map((_, shard) => shards.bytesOf(shard)));
        expect(crowded.includes(true)).toBe(shards.bytes * 2 >= MAX);
        for (const [shard, isCrowded] of crowded.entries()) {
          if (shards.bytesOf(shard) === most && most > 0) expect(isCrowded).toBe(shards.bytes * 2 >= MAX);
        }
      }),
    );
  });

  it("is whole for the only shard that has something, however many there are", () => {
    const shards = new Shards(MAX);
    for (let offered = 0; offered < MAX / 2 - 1; offered += 1) {
      expect([shards.offer(7, 1), shards.all[7]!.crowded]).toEqual([true, false]);
    }
    expect([shards.offer(7, 1), shards.all[7]!.crowded]).toEqual([true, true]);
    expect([shards.offer(7, MAX / 2), shards.offer(7, 1), shards.offer(8, 1)]).toEqual([true, false, false]);
  });

  it("is found crowded by those that hold most of it, not by each that has a little", () => {
    const shards = new Shards(MAX);
    for (const [shard, bytes] of [400, 300, 10, 20].entries()) shards.offer(shard, bytes);
    expect(shards.all.slice(0, 5).map(({ crowded }) => crowded)).toEqual([true, true, false, false, false]);
    shards.clear(0);
    expect(shards.all.slice(0, 5).map(({ crowded }) => crowded)).toEqual([false, false, false, false, false]);
  });
});
