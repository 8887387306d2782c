import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StoreTimes } from "../../src/model/rollup-store.ts";
import { retryable } from "../../src/model/result.ts";
import { cumulative, OwnerWorlds, PERSIST, PROCESS } from "./owner-world.ts";

const worlds = new OwnerWorlds();
beforeAll(() => worlds.prepare());
afterAll(() => worlds.remove());

const TIMES: StoreTimes = {
  commits: 1,
  commitMicros: 2,
  logCalls: 3,
  logMicros: 4,
  realtimeUpdates: 5,
  realtimeMicros: 6,
};

describe("the health of a shard", () => {
  it("is told by its owner alone", async () => {
    const world = worlds.make();
    world.holds = false;
    const owner = await world.started();
    expect(await owner.health()).toBeUndefined();
    world.holds = true;
    await world.clock.advance(PROCESS);
    expect(await owner.health()).toEqual({
      shard: 0,
      series: 0,
      persistAgeSeconds: undefined,
      log: { entries: 0, bytes: 0, lagSeconds: 0 },
    });
    await owner.stop();
    expect(await owner.health()).toBeUndefined();
  });

  it("has the age of the oldest entry that is not folded as its lag, and of the last commit", async () => {
    const world = worlds.make();
    const owner = await world.started();
    await world.clock.advance(PERSIST + 1000);
    expect(await owner.health()).toMatchObject({ persistAgeSeconds: 1, log: { lagSeconds: 0 } });
    await world.append(cumulative(world, 1000n));
    await world.clock.advance(1500);
    await world.append(cumulative(world, 2000n));
    await world.clock.advance(500);
    const { log } = (await owner.health())!;
    expect([log?.entries, log?.lagSeconds, log!.bytes > 0]).toEqual([2, 2, true]);
    await world.clock.advance(PROCESS);
    expect(await owner.health()).toMatchObject({ series: 1, log: { entries: 2, lagSeconds: 0 } });
    await world.clock.advance(PERSIST);
    expect(await owner.health()).toMatchObject({ log: { entries: 0, lagSeconds: 0 } });
  });

  it("is told of what the door has offered without reading the log", async () => {
    const world = worlds.make();
    const { log } = world.ports();
    let reads = 0;
    const counting = {
      ...log,
      open: log.open.bind(log),
      supersede: log.supersede.bind(log),
      append: log.append.bind(log),
      trim: log.trim.bind(log),
      status: log.status.bind(log),
      writable: log.writable.bind(log),
      read: (afterId: string, limit: number) => {
        reads++;
        return log.read(afterId, limit);
      },
    };
    const owner = await world.started({ log: counting });
    const body = cumulative(world, 1000n);
    const receivedAtMillis = world.clock.nowMillis();
    const to = await world.append(body);
    owner.offer(to, {
      entry: { id: to.id, bodyHash: new Uint8Array(0), receivedAtMillis },
      storedBytes: body.length,
      body,
      isClean: true,
    });
    await world.clock.advance(700);
    const before = reads;
    expect(await owner.health()).toMatchObject({ log: { entries: 1, lagSeconds: 0.7 } });
    expect(reads).toBe(before);
  });

  it("leaves out the log while it is out of reach", async () => {
    const world = worlds.make();
    const { log } = world.ports();
    let isAway = false;
    const owner = await world.started({
      log: new Proxy(log, {
        get: (target, name: keyof typeof log) =>
          name === "status" && isAway
            ? async () => retryable("unavailable", "Redis is away")
            : target[name].bind(target as never),
      }),
    });
    isAway = true;
    expect(await owner.health()).toMatchObject({ shard: 0, log: undefined });
  });
});

describe("what an owner has committed", () => {
  it("adds up to what receiver_minute has, and does not tell of what is not in SQL", async () => {
    const world = worlds.make();
    const owner = await world.started();
    await world.append(cumulative(world, 1000n));
    await world.append(cumulative(world, 1000n));
    await world.clock.advance(PERSIST - PROCESS);
    expect(owner.committed).toMatchObject({ entries: 0, points: 0 });
    world.commit = async () => retryable("unavailable", "SQL is away");
    await world.clock.advance(PROCESS);
    expect(owner.committed).toMatchObject({ entries: 0, points: 0 });
    world.commit = (commit) => world.store.commit(commit);
    await world.clock.advance(PROCESS);
    expect(owner.committed).toMatchObject({ entries: 2, points: 1, pointsDuplicate: 1 });
    await world.clock.advance(2 * PERSIST);
    expect(owner.committed).toMatchObject({ entries: 2, points: 1, pointsDuplicate: 1 });
  });

  it("tells how late entries were folded, and what the stores took in the minute of the commit", async () => {
    const world = worlds.make();
    let taken = 0;
    await world.started({
      takeTimes: () => {
        taken++;
        return TIMES;
      },
    });
    expect(taken).toBe(1);
    await world.append(cumulative(world, 1000n));
    await world.clock.advance(PERSIST);
    const [commit] = world.commits;
    const sum = (name: keyof StoreTimes | "lagMillis" | "entries"): number =>
      commit!.receiver.reduce((total, { counts }) => total + counts[name], 0);
    expect([sum("entries"), sum("lagMillis")]).toEqual([1, PROCESS]);
    expect(Object.keys(TIMES).map((name) => sum(name as keyof StoreTimes))).toEqual([1, 2, 3, 4, 5, 6]);
    const minute = Math.floor(commit!.persistedAt / 60) * 60;
    expect(commit!.receiver.find(({ counts }) => counts.commits > 0)?.bucketStart).toBe(minute);
  });

  it("writes no row of health when nothing came", async () => {
    const world = worlds.make();
    await world.started({ takeTimes: () => TIMES });
    await world.clock.advance(3 * PERSIST);
    expect(world.commits.map(({ receiver }) => receiver)).toEqual([[], [], []]);
  });
});
