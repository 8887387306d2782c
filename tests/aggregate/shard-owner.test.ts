import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { failure, retryable, success } from "../../src/model/result.ts";
import { LEDGER_PAGE_SECONDS } from "../../src/model/rollup-store.ts";
import { valueOf } from "../support/log-entries.ts";
import {
  BEGIN,
  cumulative,
  cumulativeOf,
  delta,
  OwnerWorlds,
  PERSIST,
  PROCESS,
  type OwnerWorld,
} from "./owner-world.ts";

const worlds = new OwnerWorlds();
beforeAll(() => worlds.prepare());
afterAll(() => worlds.remove());

async function appendDelta(world: OwnerWorld, value: bigint): Promise<void> {
  await world.append(delta(world, value), true);
}

const unavailable = async () => retryable("unavailable", "SQL is away");

describe("an owner commits", () => {
  it("at the persist interval, and not before", async () => {
    const world = worlds.make();
    await world.started();
    await world.append(cumulative(world, 1000n));
    await world.clock.advance(PERSIST - 2 * PROCESS);
    expect([world.commits.length, await world.totals()]).toEqual([0, {}]);
    await world.clock.advance(2 * PROCESS);
    expect([world.commits.length, await world.totals()]).toEqual([1, { wire_bytes_in: 1000n }]);
  });

  it("at the persist interval even when nothing came, so that persisted_at goes on", async () => {
    const world = worlds.make();
    await world.started();
    await world.clock.advance(2 * PERSIST + PROCESS);
    expect(world.commits.length).toBe(2);
    expect(valueOf(await world.store.offset(0)).persistedAt).toBeGreaterThanOrEqual(BEGIN + 120);
  });

  it("as soon as half of the log's entries are uncommitted", async () => {
    const world = worlds.make();
    await world.started({ maxEntries: 10 });
    for (const value of [1n, 2n, 3n, 4n]) await appendDelta(world, value);
    await world.clock.advance(PROCESS);
    expect(world.commits.length).toBe(0);
    await appendDelta(world, 5n);
    await world.clock.advance(PROCESS);
    expect([world.commits.length, await world.totals()]).toEqual([1, { wire_bytes_out: 15n }]);
  });

  it("as soon as half of the log's bytes are uncommitted", async () => {
    const world = worlds.make();
    const body = delta(world, 7n);
    await world.started({ maxBytes: 2 * body.length });
    await world.append(body, true);
    await world.clock.advance(PROCESS);
    expect([world.commits.length, await world.totals()]).toEqual([1, { wire_bytes_out: 7n }]);
  });

  it("more than once in one folding when the log is fuller than that", async () => {
    const world = worlds.make();
    for (let value = 1n; value <= 20n; value++) await appendDelta(world, value);
    await world.started({ maxEntries: 10 });
    await world.clock.advance(PROCESS);
    expect(world.commits.length).toBe(3);
    await world.clock.advance(PERSIST);
    expect(await world.totals()).toEqual({ wire_bytes_out: 210n });
  });
});

describe("what an owner reads of the totals", () => {
  it("must not be older than the offset it goes on from: a server that is behind would make it count again", async () => {
    const world = worlds.make();
    await world.started();
    expect(world.asked).toEqual([{ shard: 0, commits: 0 }]);
    for (const service of ["first", "second"]) {
      await world.append(cumulativeOf(world, service, 10n));
      await world.clock.advance(PERSIST);
    }
    expect(world.asked.slice(1)).toEqual([
      { shard: 0, commits: 0 },
      { shard: 0, commits: 1 },
    ]);
  });
});

describe("the ledger at a take-over", () => {
  it("is read page by page, all of it: deltas that are sent again are known, however long ago they came", async () => {
    const world = worlds.make();
    const first = await world.started();
    const sent: Uint8Array[] = [];
    for (let page = 0; page < 3; page += 1) {
      sent.push(delta(world, 10n));
      await world.append(sent.at(-1)!, true);
      await world.clock.advance((LEDGER_PAGE_SECONDS + 60) * 1000);
    }
    await first.stop();
    const before = world.asked.length;
    await world.started();
    // From its beginning to its oldest row, and from there on.
    expect(world.asked.slice(before)).toHaveLength(4);
    for (const body of sent) await world.append(body);
    await world.clock.advance(PERSIST);
    expect(await world.totals()).toEqual({ wire_bytes_out: 30n });
  });
});

describe("a log that tells of more scopes than there is room for at once", () => {
  it.each([1, 7, 1000])("is folded without loss in batches of %i", async (batchEntries) => {
    const world = worlds.make();
    for (let index = 0; index < 200; index += 1) await world.append(cumulativeOf(world, `service-${index}`, 10n));
    const fold = { ...world.foldOptions, maxStateBytes: 100_000 };
    await world.started({ batchEntries, fold });
    await world.clock.advance(2 * PERSIST);
    expect(await world.totals()).toEqual({ wire_bytes_in: 2000n });
    expect(world.commits.flatMap(({ quarantine }) => quarantine)).toEqual([]);
  });
});

describe("the log", () => {
  it("is trimmed to what was committed, and no further", async () => {
    const world = worlds.make();
    await world.started();
    await appendDelta(world, 1n);
    await appendDelta(world, 2n);
    await world.clock.advance(PERSIST - PROCESS);
    expect(world.log.entries.length).toBe(2);
    // Comes while the commit is under way: after the fold, before the trim.
    world.commit = async (commit) => {
      await appendDelta(world, 4n);
      return world.store.commit(commit);
    };
    await world.clock.advance(PROCESS);
    expect(world.log.entries.map(({ id }) => id)).toEqual(["3-0"]);
    expect(await world.totals()).toEqual({ wire_bytes_out: 3n });
  });

  it("is not trimmed when the commit failed", async () => {
    const world = worlds.make();
    world.commit = unavailable;
    await world.started();
    await appendDelta(world, 1n);
    await world.clock.advance(2 * PERSIST);
    expect(world.log.entries.length).toBe(1);
  });
});

describe("a commit that can be tried again", () => {
  it("is repeated as it is until it succeeds, and what came meanwhile is in the next one", async () => {
    const world = worlds.make();
    world.commit = unavailable;
    await world.started();
    await world.append(cumulative(world, 100n));
    await world.clock.advance(PERSIST);
    await world.append(cumulative(world, 250n));
    await appendDelta(world, 9n);
    await world.clock.advance(PERSIST);
    expect(world.commits.length).toBeGreaterThan(2);
    for (const commit of world.commits) expect(commit).toBe(world.commits[0]);
    expect(world.reports).toEqual(["shard 0: SQL is away"]);
    world.commit = (commit) => world.store.commit(commit);
    await world.clock.advance(PROCESS);
    expect(await world.totals()).toEqual({ wire_bytes_in: 250n, wire_bytes_out: 9n });
    expect(world.log.entries).toEqual([]);
  });

  it("and did succeed, but whose reply was lost, is known by the offset and not repeated", async () => {
    const world = worlds.make();
    world.commit = async (commit) => {
      await world.store.commit(commit);
      return unavailable();
    };
    await world.started();
    await world.append(cumulative(world, 100n));
    await world.clock.advance(PERSIST);
    expect([world.commits.length, await world.totals()]).toEqual([1, { wire_bytes_in: 100n }]);
    await world.append(cumulative(world, 300n));
    await world.clock.advance(PERSIST);
    expect([world.commits.length, await world.totals()]).toEqual([2, { wire_bytes_in: 300n }]);
  });

  it("and did succeed, but nothing of that could be learned, makes its owner step down and doubles nothing", async () => {
    const world = worlds.make();
    const { store, ...others } = world.ports();
    let away = false;
    world.commit = async (commit) => {
      const outcome = await world.store.commit(commit);
      if (world.commits.length > 1) return outcome;
      away = true;
      return unavailable();
    };
    await world.started({
      ...others,
      store: { ...store, offset: (shard) => (away ? unavailable() : store.offset(shard)) },
    });
    await world.append(cumulative(world, 100n));
    await appendDelta(world, 5n);
    await world.clock.advance(PERSIST);
    away = false;
    await world.append(cumulative(world, 160n));
    await world.clock.advance(2 * PERSIST);
    expect(await world.totals()).toEqual({ wire_bytes_in: 160n, wire_bytes_out: 5n });
  });
});

describe("an entry whose state could not be read", () => {
  it("does not keep the commit of a time in which nothing else came from being accepted", async () => {
    const world = worlds.make();
    const { store, ...others } = world.ports();
    let away = true;
    await world.started({
      ...others,
      store: { ...store, counterState: (keys, atLeast) => (away ? unavailable() : store.counterState(keys, atLeast)) },
    });
    await world.append(cumulative(world, 100n));
    await world.clock.advance(PERSIST);
    expect([world.reports, world.commits.map(({ receiver }) => receiver)]).toEqual([["shard 0: SQL is away"], [[]]]);
    away = false;
    await world.clock.advance(PERSIST + PROCESS);
    expect([world.reports, await world.totals()]).toEqual([["shard 0: SQL is away"], { wire_bytes_in: 100n }]);
  });
});

describe("what an owner knows of its commits", () => {
  it("is as many as there are after one of nothing whose reply was lost: no older state is taken for the newest", async () => {
    const world = worlds.make();
    await world.started();
    world.commit = async (commit) => {
      await world.store.commit(commit);
      return unavailable();
    };
    await world.clock.advance(PERSIST);
    expect(valueOf(await world.store.offset(0)).commits).toBe(1);
    world.commit = (commit) => world.store.commit(commit);
    await world.append(cumulative(world, 10n));
    await world.clock.advance(PERSIST);
    await world.append(cumulativeOf(world, "second", 10n));
    await world.clock.advance(PERSIST);
    expect([world.asked.at(-1), await world.totals()]).toEqual([{ shard: 0, commits: 2 }, { wire_bytes_in: 20n }]);
    expect(valueOf(await world.store.offset(0)).commits).toBe(3);
  });

  it("is as many as there are when the lost reply could not be asked after at once", async () => {
    const world = worlds.make();
    const { store, ...others } = world.ports();
    let away = false;
    await world.started({
      ...others,
      store: { ...store, offset: (shard) => (away ? unavailable() : store.offset(shard)) },
    });
    world.commit = async (commit) => {
      await world.store.commit(commit);
      away = true;
      return unavailable();
    };
    await world.clock.advance(PERSIST);
    away = false;
    world.commit = (commit) => world.store.commit(commit);
    await world.clock.advance(PROCESS);
    await world.append(cumulative(world, 10n));
    await world.clock.advance(PROCESS);
    // The one whose reply was lost, and one of the time since.
    expect(valueOf(await world.store.offset(0)).commits).toBe(2);
    expect(world.asked.at(-1)).toEqual({ shard: 0, commits: 2 });
    await world.clock.advance(PERSIST);
    expect([world.reports, await world.totals()]).toEqual([["shard 0: SQL is away"], { wire_bytes_in: 10n }]);
  });
});

describe("an owner steps down", () => {
  it("when another has moved the offset, and folds again to the same totals", async () => {
    const world = worlds.make();
    const first = await world.started();
    await world.append(cumulative(world, 100n));
    await appendDelta(world, 5n);
    await world.clock.advance(PROCESS);
    const second = await world.started();
    await second.stop();
    expect(await world.totals()).toEqual({ wire_bytes_in: 100n, wire_bytes_out: 5n });
    await world.append(cumulative(world, 130n));
    await world.clock.advance(PERSIST);
    expect(world.reports).toEqual([
      expect.stringContaining("gave up the shard, the offset of shard 0 is no longer at 0-0"),
    ]);
    await world.clock.advance(PERSIST + PROCESS);
    expect(first.owns).toBe(true);
    expect(await world.totals()).toEqual({ wire_bytes_in: 130n, wire_bytes_out: 5n });
  });

  it("when it loses the lease, without committing, and comes back when it has it again", async () => {
    const world = worlds.make();
    const owner = await world.started();
    await world.append(cumulative(world, 100n));
    await world.clock.advance(PROCESS);
    world.holds = false;
    await world.clock.advance(PERSIST);
    expect([owner.owns, world.commits.length]).toEqual([false, 0]);
    world.holds = true;
    await world.clock.advance(PERSIST + PROCESS);
    expect([owner.owns, await world.totals()]).toEqual([true, { wire_bytes_in: 100n }]);
  });

  it("when another receiver is to have it, after it has committed what it folded", async () => {
    const world = worlds.make();
    const owner = await world.started({ isOurs: ([candidate]) => candidate === "me" });
    await world.append(cumulative(world, 100n));
    await world.clock.advance(PROCESS);
    world.candidates = ["another"];
    await world.clock.advance(1000);
    expect([owner.owns, world.handedOver, world.released]).toEqual([false, 1, 0]);
    expect(await world.totals()).toEqual({ wire_bytes_in: 100n });
  });

  it("never takes the shard without the lease", async () => {
    const world = worlds.make();
    world.holds = false;
    const owner = await world.started();
    await world.append(cumulative(world, 100n));
    await world.clock.advance(2 * PERSIST);
    expect([owner.owns, world.commits.length]).toEqual([false, 0]);
  });

  it("when a commit can never be stored, and says so", async () => {
    const world = worlds.make();
    world.commit = async () => failure("internal", "the commit is refused: bytes_in is NaN");
    await world.started();
    await appendDelta(world, 1n);
    await world.clock.advance(4 * PERSIST);
    expect(world.reports[0]).toBe("shard 0: gave up the shard, the commit is refused: bytes_in is NaN");
    expect(world.log.entries.length).toBe(1);
  });
});

describe("a shard that is finished", () => {
  it("is committed while senders still get through: only what came meanwhile is committed behind the seal", async () => {
    const world = worlds.make();
    const commits: (readonly [isOpen: boolean, toId: string])[] = [];
    world.commit = async (commit) => {
      commits.push([world.log.isOpen, commit.offset.toId]);
      if (commits.length === 1) await appendDelta(world, 4n);
      return world.store.commit(commit);
    };
    const owner = await world.started();
    for (const value of [1n, 2n]) await appendDelta(world, value);
    owner.finish();
    await world.clock.advance(PROCESS);
    expect(commits).toEqual([
      [true, "2-0"],
      [false, "3-0"],
    ]);
    expect([world.log.entries, await world.totals()]).toEqual([[], { wire_bytes_out: 7n }]);
    expect(valueOf(await world.store.offset(0)).isFinished).toBe(true);
  });

  it("is not sealed before it may be, and commits what comes until then", async () => {
    const world = worlds.make();
    let maySeal = false;
    const owner = await world.started({ maySeal: () => maySeal });
    await appendDelta(world, 1n);
    expect(owner.isReadyToSeal).toBe(false);
    owner.finish();
    await world.clock.advance(PROCESS);
    expect(owner.isReadyToSeal).toBe(true);
    await appendDelta(world, 2n);
    await world.clock.advance(PROCESS);
    expect([world.log.isOpen, world.log.entries, await world.totals()]).toEqual([true, [], { wire_bytes_out: 3n }]);
    maySeal = true;
    await world.clock.advance(PROCESS);
    expect([world.log.isOpen, valueOf(await world.store.offset(0)).isFinished]).toEqual([false, true]);
  });

  it("is not sealed while nothing can be committed: senders would wait for SQL", async () => {
    const world = worlds.make();
    world.commit = unavailable;
    const owner = await world.started();
    await appendDelta(world, 1n);
    owner.finish();
    await world.clock.advance(2 * PROCESS);
    expect(world.log.isOpen).toBe(true);
    world.commit = (commit) => world.store.commit(commit);
    await world.clock.advance(PROCESS);
    expect([world.log.isOpen, await world.totals()]).toEqual([false, { wire_bytes_out: 1n }]);
    expect(valueOf(await world.store.offset(0)).isFinished).toBe(true);
  });

  it("is committed and its log trimmed also while the log cannot be sealed: that may be for want of memory", async () => {
    const world = worlds.make();
    const full = retryable("unavailable", "Redis is at its maxmemory");
    let isFull = true;
    const seal = world.log.seal.bind(world.log);
    world.log.seal = async (generation) => (isFull ? full : seal(generation));
    const owner = await world.started();
    await world.append(cumulative(world, 100n));
    await appendDelta(world, 5n);
    owner.finish();
    await world.clock.advance(PROCESS);
    expect([world.log.entries, await world.totals()]).toEqual([[], { wire_bytes_in: 100n, wire_bytes_out: 5n }]);
    expect(valueOf(await world.store.offset(0)).isFinished).toBe(false);
    expect(world.reports).toContain("shard 0: Redis is at its maxmemory");
    await world.append(cumulative(world, 130n));
    isFull = false;
    await world.clock.advance(PROCESS);
    expect([world.log.entries, await world.totals()]).toEqual([[], { wire_bytes_in: 130n, wire_bytes_out: 5n }]);
    expect(valueOf(await world.store.offset(0)).isFinished).toBe(true);
  });
});

describe("stop", () => {
  it("folds and commits what the log holds, and gives the lease up", async () => {
    const world = worlds.make();
    const owner = await world.started();
    for (const value of [1n, 2n, 3n, 4n, 5n, 6n, 7n]) await appendDelta(world, value);
    await owner.stop();
    expect([await world.totals(), world.log.entries, world.released]).toEqual([{ wire_bytes_out: 28n }, [], 1]);
    await world.clock.advance(2 * PERSIST);
    expect([owner.owns, world.commits.length]).toEqual([false, 1]);
  });

  it("leaves what cannot be committed in the log, for whoever comes next", async () => {
    const world = worlds.make();
    const owner = await world.started();
    await appendDelta(world, 3n);
    world.commit = unavailable;
    await owner.stop();
    expect([await world.totals(), world.log.entries.length]).toEqual([{}, 1]);
    world.commit = (commit) => world.store.commit(commit);
    await (await world.started()).stop();
    expect(await world.totals()).toEqual({ wire_bytes_out: 3n });
  });
});

describe("an entry that cannot be opened", () => {
  it("goes into quarantine and does not stop the shard", async () => {
    const world = worlds.make();
    const poison = Uint8Array.of(1, 2, 3);
    const owner = await world.started({
      openBody: async (body) => (body.length === 3 ? failure("invalid", "it is no gzip") : success(body)),
    });
    await world.append(poison);
    await appendDelta(world, 3n);
    await owner.stop();
    expect(world.commits[0]?.quarantine).toEqual([
      expect.objectContaining({ logId: "1-0", reason: expect.stringContaining("no gzip") }),
    ]);
    expect(await world.totals()).toEqual({ wire_bytes_out: 3n });
  });
});
