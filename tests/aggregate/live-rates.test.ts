import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { success } from "../../src/model/result.ts";
import type { RealtimeStore, RealtimeUpdate } from "../../src/model/realtime-store.ts";
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

/** Durations of that many requests since a second ago. */
function durations(world: OwnerWorld, count: bigint): Uint8Array {
  const now = BigInt(world.clock.nowMillis()) * 1_000_000n;
  const attributes = { "http.request.method": "GET", "http.response.status_code": 200 };
  const point = { attributes, start: now - 1_000_000_000n, time: now, count, bounds: [0.1], bucketCounts: [count, 0n] };
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
