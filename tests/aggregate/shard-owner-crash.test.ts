import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ShardOwnerOptions } from "../../src/aggregate/shard-owner-options.ts";
import { cumulative, delta, OwnerWorlds, PROCESS, START, type OwnerPorts, type OwnerWorld } from "./owner-world.ts";

const worlds = new OwnerWorlds();
beforeAll(() => worlds.prepare());
afterAll(() => worlds.remove());

describe("a process that dies at any call of its ports, before or after the call has had its effect,", () => {
  /** What two processes send: counters that grow, one that begins anew, deltas, and two bodies that are sent twice. */
  async function traffic(world: OwnerWorld, step: number): Promise<void> {
    await world.append(cumulative(world, BigInt(100 * (step + 1))));
    if (step >= 6) await world.append(cumulative(world, BigInt(10 * (step - 5)), START + 30_000_000_000n));
    const body = delta(world, BigInt(step + 1));
    await world.append(body, true);
    if (step % 5 === 2) await world.append(body, true);
  }
  const STEPS = 12;
  const EXPECTED = { wire_bytes_in: 1200n + 60n, wire_bytes_out: 78n };
  const SHORT: Partial<ShardOwnerOptions> = { persistIntervalMillis: 3 * PROCESS, maxEntries: 12 };

  /** Ports that work for `calls` calls; at the next the process dies: nothing is answered any more. */
  function mortal(
    { log, store, lease }: OwnerPorts,
    calls: number,
    lastHasEffect: boolean,
  ): OwnerPorts & { alive: () => boolean } {
    let left = calls;
    const dead = new Promise<never>(() => undefined);
    const guard = <P extends object>(port: P): P =>
      new Proxy(port, {
        get: (target, name) => {
          const call: unknown = Reflect.get(target, name);
          if (typeof call !== "function") return call;
          return async (...args: unknown[]) => {
            if (left < 0) return dead;
            left -= 1;
            if (left >= 0) return Reflect.apply(call, target, args) as unknown;
            if (lastHasEffect) await Reflect.apply(call, target, args);
            return dead;
          };
        },
      });
    return { log: guard(log), store: guard(store), lease: guard(lease), alive: () => left >= 0 };
  }

  /** Runs the traffic with a first owner that dies after `calls` calls, and a second one after it. False: it lived. */
  async function survive(calls: number, lastHasEffect: boolean): Promise<boolean> {
    const world = worlds.make();
    const { alive, ...ports } = mortal(world.ports(), calls, lastHasEffect);
    await world.started({ ...SHORT, ...ports });
    let replaced = false;
    for (let step = 0; step < STEPS; step++) {
      await traffic(world, step);
      await world.clock.advance(PROCESS);
      if (!alive() && !replaced) {
        replaced = true;
        await world.started(SHORT);
      }
    }
    const last = await world.started(SHORT);
    await last.stop();
    expect(await world.totals(), `died at call ${calls}`).toEqual(EXPECTED);
    await world.store.close();
    return replaced;
  }

  it.each([
    ["before", false],
    ["after", true],
  ])("%s: whoever comes next reaches the same totals", { timeout: 120_000 }, async (_when, lastHasEffect) => {
    let deaths = 0;
    for (let calls = 0; await survive(calls, lastHasEffect); calls++) deaths++;
    expect(deaths).toBeGreaterThan(50);
  });
});
