import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LEASE_MILLIS } from "../../src/aggregate/shard-claim.ts";
import { type Result, retryable, success } from "../../src/model/result.ts";
import type { RealtimeStore, RealtimeUpdate } from "../../src/model/realtime-store.ts";
import { MemoryRealtimeStore } from "../../src/realtime/memory-realtime-store.ts";
import { settled } from "../support/fake-clock.ts";
import { valueOf } from "../support/log-entries.ts";
import { otlpRequest } from "../support/otlp-request.ts";
import { cumulative, type OwnerWorld, OwnerWorlds, PROCESS } from "./owner-world.ts";

const worlds = new OwnerWorlds();
beforeAll(() => worlds.prepare());
afterAll(() => worlds.remove());

function recorder(): { readonly updates: RealtimeUpdate[]; readonly realtime: RealtimeStore } {
  const updates: RealtimeUpdate[] = [];
  const update = async (given: RealtimeUpdate) => success(void updates.push(given));
  return { updates, realtime: { update, snapshot: async () => success([]), steps: async () => success([]) } };
}

/** Durations of that many requests since so many seconds ago. */
function durations(world: OwnerWorld, count: bigint, seconds: bigint = 1n): Uint8Array {
  const now = BigInt(world.clock.nowMillis()) * 1_000_000n;
  const attributes = { "http.request.method": "GET", "http.response.status_code": 200 };
  const point = {
    attributes,
    start: now - seconds * 1_000_000_000n,
    time: now,
    count,
    bounds: [0.1],
    bucketCounts: [count, 0n],
  };
  const metric = { name: "http.server.request.duration", unit: "s", temporality: "delta", histogram: [point] } as const;
  return otlpRequest([{ metrics: [metric] }]);
}

describe("the live figures of a shard", () => {
  it("go on unchanged while nothing comes, and end when the rates have expired", async () => {
    const world = worlds.make();
    const { updates, realtime } = recorder();
    await world.started({ realtime });
    await world.append(cumulative(world, 1000n));
    await world.clock.advance(3 * PROCESS);
    await world.append(cumulative(world, 6000n));
    await world.clock.advance(PROCESS);
    const [news] = updates.slice(-1);
    expect(news!.changed.map(({ dimensions }) => dimensions.protocol)).toEqual(["http"]);
    await world.clock.advance(PROCESS);
    const [idle] = updates.slice(-1);
    expect(idle).toEqual({
      shard: 0,
      changed: [],
      removed: [],
      step: { ...news!.step, atMillis: news!.step.atMillis + PROCESS },
    });
    await world.clock.advance(6 * PROCESS);
    expect(updates.at(-1)!.step).toMatchObject({ bytesInPerSecond: 0 });
    expect(new Set(updates.slice(updates.indexOf(idle!)).flatMap(({ removed }) => removed))).toEqual(
      new Set(news!.changed.map(({ seriesId }) => seriesId)),
    );
  });

  it("keep what was observed in all ticks of a step, and begin anew with the next", async () => {
    const world = worlds.make();
    const { updates, realtime } = recorder();
    const tickMillis = 1000;
    await world.started({ realtime, processIntervalMillis: tickMillis });
    await world.clock.advance(PROCESS - (world.clock.nowMillis() % PROCESS));
    const observed = (): number => updates.at(-1)!.step.latency.reduce((sum, [, count]) => sum + count, 0);
    const counts: number[] = [];
    for (const count of [3n, 0n, 4n, 0n, 0n, 5n, 0n]) {
      if (count > 0n) await world.append(durations(world, count));
      await world.clock.advance(tickMillis);
      counts.push(observed());
    }
    expect(counts).toEqual([3, 3, 7, 7, 0, 5, 5]);
  });

  it("take in what comes after a pause", async () => {
    const world = worlds.make();
    const { updates, realtime } = recorder();
    await world.started({ realtime });
    for (const value of [1000n, 3000n, 9000n]) {
      await world.append(cumulative(world, value));
      await world.clock.advance(2 * PROCESS);
    }
    expect(updates.filter(({ changed }) => changed.length > 0).length).toBeGreaterThanOrEqual(2);
  });
});

/** A store that forgets what it is told while it is away. */
class FailingRealtime extends MemoryRealtimeStore {
  isAway = false;
  readonly changed: number[] = [];

  override async update(update: RealtimeUpdate): Promise<Result<void>> {
    this.changed.push(update.changed.length);
    return this.isAway ? retryable("unavailable", "Redis is away") : await super.update(update);
  }

  /** What is shown of the only series: its requests a second, and how many durations are in its histogram. */
  async shown(world: OwnerWorld): Promise<readonly (readonly [number, number])[]> {
    const series = valueOf(await this.snapshot(world.clock.nowMillis()));
    return series.map(({ requestsPerSecond, latency }) => {
      let observed = 0;
      for (const [, count] of latency as readonly (readonly [number, number])[]) observed += count;
      return [requestsPerSecond, observed];
    });
  }
}

describe("live figures that could not be written", () => {
  it("are told with the next update, what was observed with them, and then no more", async () => {
    const world = worlds.make();
    const realtime = new FailingRealtime();
    await world.started({ realtime });
    realtime.isAway = true;
    await world.append(durations(world, 80n, 10n));
    await world.clock.advance(2 * PROCESS);
    expect(await realtime.shown(world)).toEqual([]);
    realtime.isAway = false;
    await world.clock.advance(PROCESS);
    expect(await realtime.shown(world)).toEqual([[8, 80]]);
    await world.clock.advance(PROCESS);
    expect(realtime.changed.slice(-4)).toEqual([1, 1, 1, 0]);
  });

  it("are told as they are by then, when more has come since", async () => {
    const world = worlds.make();
    const realtime = new FailingRealtime();
    await world.started({ realtime });
    realtime.isAway = true;
    await world.append(durations(world, 80n, 10n));
    await world.clock.advance(PROCESS);
    realtime.isAway = false;
    await world.append(durations(world, 30n, 10n));
    await world.clock.advance(PROCESS);
    expect(await realtime.shown(world)).toEqual([[3, 30]]);
  });

  it("are removed later when it was the removal that failed", async () => {
    const world = worlds.make();
    const { updates, realtime } = recorder();
    let isAway = false;
    const update = async (given: RealtimeUpdate) => {
      await realtime.update(given);
      return isAway ? retryable("unavailable", "Redis is away") : success(undefined);
    };
    await world.started({ realtime: { ...realtime, update } });
    await world.append(durations(world, 80n, 10n));
    await world.clock.advance(PROCESS);
    const ids = updates.at(-1)!.changed.map(({ seriesId }) => seriesId);
    expect(ids.length).toBe(1);
    isAway = true;
    const removals = () => updates.filter(({ removed }) => removed.length > 0);
    while (removals().length < 3 && updates.length < 50) await world.clock.advance(PROCESS);
    isAway = false;
    await world.clock.advance(3 * PROCESS);
    expect(removals().map(({ removed }) => removed)).toEqual([ids, ids, ids, ids]);
  });
});

describe("an owner that stood still in the middle of its work", () => {
  /** An owner whose fold waits for a read of the log; what it writes of now, and how to let the read end. */
  async function standing(world: OwnerWorld) {
    const { updates, realtime } = recorder();
    const { log, lease } = world.ports();
    const gate = Promise.withResolvers<void>();
    let [isSlow, asked] = [false, 0];
    const read: typeof log.read = async (after, limit) => {
      if (isSlow) await gate.promise;
      return await log.read(after, limit);
    };
    const hold = async () => ((asked += 1), world.holds);
    const bound = Object.fromEntries(
      (["open", "supersede", "seal", "append", "trim", "status", "writable"] as const).map((name) => [
        name,
        log[name].bind(log),
      ]),
    ) as unknown as typeof log;
    await world.started({ realtime, log: { ...bound, read }, lease: { ...lease, hold } });
    await world.clock.advance(PROCESS);
    isSlow = true;
    const before = updates.length;
    const wake = async (): Promise<number> => {
      gate.resolve();
      await settled();
      return updates.length - before;
    };
    return { wake, asked: () => asked };
  }

  it("tells nothing of now when another has the shard since", async () => {
    const world = worlds.make();
    const { wake, asked } = await standing(world);
    await world.clock.advance(PROCESS);
    world.holds = false;
    await world.clock.advance(LEASE_MILLIS);
    expect([await wake(), asked()]).toEqual([0, 1]);
  });

  it("tells what it knows when the lease was kept meanwhile, and asks nobody for that", async () => {
    const world = worlds.make();
    const { wake, asked } = await standing(world);
    await world.clock.advance(PROCESS + LEASE_MILLIS);
    expect([await wake(), asked()]).toEqual([1, 0]);
  });
});

describe("an owner whose timers come late", () => {
  it("tells something in every step of the history all the same", async () => {
    const world = worlds.make();
    const { updates, realtime } = recorder();
    const { clock } = world;
    const late = {
      nowMillis: () => clock.nowMillis(),
      monotonicMillis: () => clock.monotonicMillis(),
      after: (delayMillis: number, callback: () => void) => clock.after(delayMillis + 7, callback),
    };
    // In the middle of a step.
    await clock.advance(PROCESS / 2);
    await world.started({ realtime, clock: late });
    await clock.advance(400 * PROCESS);
    const steps = updates.map(({ step }) => step.atMillis);
    expect(new Set(steps.map((at, index) => at - (steps[index - 1] ?? at - PROCESS)))).toEqual(new Set([PROCESS]));
    expect(steps.length).toBeGreaterThan(395);
  });
});
