import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ShardOwner } from "../../src/aggregate/shard-owner.ts";
import type { IngestLog } from "../../src/model/ingest-log.ts";
import { retryable } from "../../src/model/result.ts";
import { valueOf } from "../support/log-entries.ts";
import { delta, OwnerWorlds, PERSIST, PROCESS, type OwnerWorld } from "./owner-world.ts";

const worlds = new OwnerWorlds();
beforeAll(() => worlds.prepare());
afterAll(() => worlds.remove());

/** What a promoted replica is: it has lost the newest entries, gives their numbers again, and is not open. */
function promoteReplica(world: OwnerWorld, keptEntries: number): void {
  world.log.entries = world.log.entries.slice(0, keptEntries);
  world.log.rewind(Number.parseInt(world.log.entries.at(-1)?.id ?? "0", 10));
  world.log.isOpen = false;
  world.log.storage += " promoted";
}

/** Appends a delta of this value and tells the owner of it, as the door does. */
async function appendAndOffer(world: OwnerWorld, owner: ShardOwner, value: bigint): Promise<void> {
  const body = delta(world, value);
  const to = await world.append(body, true);
  const { body: _, ...entry } = world.log.entries.at(-1)!;
  owner.offer(to, { entry, storedBytes: body.length, body: Uint8Array.from(body), isClean: true });
}

/** A log that counts the entries that are read from it. */
function readCounter(world: OwnerWorld): { readonly log: IngestLog; entries: number } {
  const { log } = world;
  const counter = {
    entries: 0,
    log: new Proxy<IngestLog>(log, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (name !== "read") return typeof member === "function" ? (member.bind(target) as unknown) : member;
        return async (afterId: string, limit: number) => {
          const result = await log.read(afterId, limit);
          if (result.kind === "success") counter.entries += result.value.length;
          return result;
        };
      },
    }),
  };
  return counter;
}

describe("an owner that takes a shard over", () => {
  it("opens a log that is not the one of its totals, above everything that was folded", async () => {
    const world = worlds.make();
    const first = await world.started();
    await world.append(delta(world, 1n), true);
    await world.append(delta(world, 2n), true);
    await first.stop();
    const { generation } = valueOf(await world.store.offset(0));
    promoteReplica(world, 0);
    const second = await world.started();
    expect(valueOf(await world.store.offset(0)).generation).toBe(generation + 1);
    expect(await world.append(delta(world, 4n), true)).toEqual({ id: "3-0", generation: generation + 1 });
    await second.stop();
    expect(await world.totals()).toEqual({ wire_bytes_out: 7n });
  });

  it("goes on with a log that is", async () => {
    const world = worlds.make();
    await (await world.started()).stop();
    const before = valueOf(await world.store.offset(0));
    await (await world.started()).stop();
    expect(valueOf(await world.store.offset(0))).toMatchObject({
      generation: before.generation,
      logIdentity: before.logIdentity,
    });
  });

  it("does not fold before the log is open, and tries again", async () => {
    const world = worlds.make();
    const open = world.log.open.bind(world.log);
    world.log.open = async () => retryable("unavailable", "Redis is out of reach");
    const owner = await world.started();
    expect(owner.owns).toBe(false);
    expect(world.reports).toEqual(["shard 0: Redis is out of reach"]);
    world.log.open = open;
    await world.clock.advance(PROCESS);
    expect(owner.owns).toBe(true);
    // The try that failed had moved the totals on: no generation is used twice.
    expect(valueOf(await world.store.offset(0)).generation).toBe(world.log.opening.generation);
  });

  it("tells of entries that are neither in the totals nor in the log", async () => {
    const world = worlds.make();
    for (const value of [1n, 2n, 3n, 4n]) await world.append(delta(world, value), true);
    valueOf(await world.log.trim("2-0"));
    await world.started();
    expect(world.reports).toEqual([expect.stringContaining("the totals end at entry 0-0 and the log goes on at 3-0")]);
  });
});

describe("an owner that cannot see whether entries are missing", () => {
  it("does not take the shard over before it can", async () => {
    const world = worlds.make();
    for (const value of [1n, 2n, 3n, 4n]) await world.append(delta(world, value), true);
    valueOf(await world.log.trim("2-0"));
    const read = world.log.read.bind(world.log);
    world.log.read = async () => retryable("unavailable", "Redis does not answer");
    const owner = await world.started();
    expect([owner.owns, world.reports]).toEqual([false, ["shard 0: Redis does not answer"]]);
    world.log.read = read;
    await world.clock.advance(PROCESS);
    expect(world.reports.at(-1)).toContain("the totals end at entry 0-0 and the log goes on at 3-0");
    await owner.stop();
    expect(await world.totals()).toEqual({ wire_bytes_out: 7n });
  });
});

describe("an owner under whom the log is exchanged", () => {
  it("commits what it has folded before it opens the log anew: nothing of it is lost, and nothing doubled", async () => {
    const world = worlds.make();
    const owner = await world.started();
    for (const value of [1n, 2n, 4n]) await appendAndOffer(world, owner, value);
    await world.clock.advance(PROCESS);
    // The third was acknowledged, folded and not replicated.
    promoteReplica(world, 2);
    await world.clock.advance(1000);
    expect(await world.totals()).toEqual({ wire_bytes_out: 7n });
    expect(world.log.isOpen).toBe(true);
    await appendAndOffer(world, owner, 8n);
    expect(world.log.entries.at(-1)!.id).toBe("4-0");
    await world.clock.advance(PERSIST);
    expect(await world.totals()).toEqual({ wire_bytes_out: 15n });
  });

  it("folds what the door had offered and not yet folded", async () => {
    const world = worlds.make();
    const owner = await world.started();
    await world.clock.advance(PROCESS);
    await appendAndOffer(world, owner, 1n);
    promoteReplica(world, 0);
    await world.clock.advance(1000);
    expect(await world.totals()).toEqual({ wire_bytes_out: 1n });
  });

  it("keeps the log closed until its totals have what was folded", async () => {
    const world = worlds.make();
    const owner = await world.started();
    await appendAndOffer(world, owner, 1n);
    await world.clock.advance(PROCESS);
    const commit = world.commit;
    world.commit = async () => retryable("unavailable", "SQL is away");
    promoteReplica(world, 0);
    await world.clock.advance(3 * PROCESS);
    expect(world.log.isOpen).toBe(false);
    world.commit = commit;
    await world.clock.advance(1000);
    expect([world.log.isOpen, await world.totals()]).toEqual([true, { wire_bytes_out: 1n }]);
  });

  it("does not take an entry of another generation for its own of the same number", async () => {
    const world = worlds.make();
    const owner = await world.started();
    const body = delta(world, 1000n);
    const entry = { id: "1-0", receivedAtMillis: world.clock.nowMillis(), bodyHash: new Uint8Array(0) };
    owner.offer({ id: "1-0", generation: 1 }, { entry, storedBytes: 1, body, isClean: true });
    await world.append(delta(world, 1n), true);
    await world.clock.advance(PROCESS);
    await owner.stop();
    expect(await world.totals()).toEqual({ wire_bytes_out: 1n });
  });

  it("can commit no more once another owner has opened the log", async () => {
    const world = worlds.make();
    const paused = await world.started();
    await world.append(delta(world, 1n), true);
    await world.clock.advance(PROCESS);
    const from = valueOf(await world.store.offset(0));
    valueOf(await world.store.advanceGeneration(0, from, { generation: 9, logIdentity: "memory other" }));
    await paused.stop();
    expect(await world.totals()).toEqual({});
    const next = await world.started();
    await next.stop();
    expect(await world.totals()).toEqual({ wire_bytes_out: 1n });
  });
});

describe("an owner whose log was opened on another storage while this one went on", () => {
  /** What the owner of a promoted replica does, whom this one knows nothing of. */
  async function openElsewhere(world: OwnerWorld): Promise<void> {
    const from = valueOf(await world.store.offset(0));
    const to = { generation: from.generation + 1, logIdentity: "replica opening" };
    valueOf(await world.store.advanceGeneration(0, from, to));
  }

  it("notices it before it folds, gives the shard up, and closes the log that was left behind", async () => {
    const world = worlds.make();
    const owner = await world.started();
    await world.append(delta(world, 1n), true);
    await openElsewhere(world);
    await world.clock.advance(PROCESS);
    expect([owner.owns, world.log.isSuperseded, world.commits]).toEqual([false, true, []]);
    expect(world.reports).toEqual([expect.stringContaining("this log was left behind")]);
  });

  it("does not take it back, however often it looks, until its storage is restarted or promoted", async () => {
    const world = worlds.make();
    const owner = await world.started();
    await openElsewhere(world);
    await world.clock.advance(10 * PROCESS);
    expect([owner.owns, valueOf(await world.store.offset(0)).generation]).toEqual([false, 3]);
    world.log.storage += " restarted";
    world.log.isSuperseded = false;
    await world.clock.advance(PROCESS);
    expect([owner.owns, world.log.isOpen]).toEqual([true, true]);
  });

  it("goes on when the other opening was meant for this storage and did not come about", async () => {
    const world = worlds.make();
    const owner = await world.started();
    await world.append(delta(world, 1n), true);
    const from = valueOf(await world.store.offset(0));
    valueOf(await world.store.advanceGeneration(0, from, { generation: 7, logIdentity: "memory other" }));
    await world.clock.advance(2 * PROCESS);
    await owner.stop();
    expect(await world.totals()).toEqual({ wire_bytes_out: 1n });
  });
});

describe("what the door has offered", () => {
  it("is folded without reading it back from the log", async () => {
    const world = worlds.make();
    const counter = readCounter(world);
    const owner = await world.started({ log: counter.log });
    for (let value = 1n; value <= 10n; value++) await appendAndOffer(world, owner, value);
    await owner.stop();
    expect([counter.entries, await world.totals()]).toEqual([0, { wire_bytes_out: 55n }]);
  });

  it("waits for what others have appended before it", async () => {
    const world = worlds.make();
    const counter = readCounter(world);
    const owner = await world.started({ log: counter.log });
    for (let value = 1n; value <= 9n; value++) {
      if (value % 4n === 0n) await world.append(delta(world, value), true);
      else await appendAndOffer(world, owner, value);
    }
    await owner.stop();
    expect(counter.entries).toBeGreaterThanOrEqual(2);
    expect(await world.totals()).toEqual({ wire_bytes_out: 45n });
  });
});
