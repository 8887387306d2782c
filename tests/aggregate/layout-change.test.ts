/** The number of shards is changed while senders send: nothing is lost or counted twice, whenever a receiver dies meanwhile. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { success, type Result } from "../../src/model/result.ts";
import type { AppendedEntry, LogEntryInput } from "../../src/model/ingest-log.ts";
import type { ShardLayout } from "../../src/model/shard-layout.ts";
import { LogModel } from "../simulation/log-model.ts";
import { settled } from "../support/fake-clock.ts";
import { valueOf } from "../support/log-entries.ts";
import { type LayoutPorts, type LayoutWorld, LayoutWorlds, PERSIST } from "./layout-world.ts";

const worlds = new LayoutWorlds();
beforeAll(() => worlds.prepare());
afterAll(() => worlds.remove());

const layoutOf = async (world: LayoutWorld): Promise<ShardLayout> => valueOf(await world.store.layouts.layout());

/** Sends by the layout of `stale` doors first, then by the one that SQL has. */
async function sendAround(world: LayoutWorld, stale: ShardLayout): Promise<void> {
  await world.send([world.door(stale), world.door(await layoutOf(world))]);
}

async function drain(world: LayoutWorld): Promise<void> {
  for (let step = 0; step < 40; step += 1) await world.clock.advance(500);
}

/** Two receivers, 2 shards, and a third that asks for more. Resolves when all is in. */
async function grows(world: LayoutWorld, to: number): Promise<void> {
  const first = world.receiver("first", 2);
  await first.start();
  const before = await layoutOf(world);
  for (let step = 0; step < 5; step += 1) {
    await sendAround(world, before);
    await world.clock.advance(700);
  }
  const second = world.receiver("second", to);
  await second.start();
  for (let step = 0; step < 30; step += 1) {
    await sendAround(world, before);
    await world.clock.advance(200);
  }
  await drain(world);
  await sendAround(world, before);
  await drain(world);
  await first.stop();
  await second.stop();
}

describe("receivers", () => {
  it("follow a larger number of shards while senders send, also those that divide by the number before", async () => {
    const world = worlds.make();
    await grows(world, 8);
    expect(await layoutOf(world)).toMatchObject({ epoch: 2, shardCount: 8, previousShardCount: 2 });
    expect([world.waiting, await world.totals()]).toEqual([0, world.sent]);
    expect(world.reports).toContain("second: SHARDS is 8, and there are 2 shards: changing");
    expect(world.reports.filter((report) => report.endsWith("there are 8 shards now"))).toHaveLength(2);
  });

  it("with fewer shards in their settings follow the number there is, and say so", async () => {
    const world = worlds.make();
    const large = world.receiver("large", 8);
    await large.start();
    const small = world.receiver("small", 2);
    await small.start();
    await drain(world);
    expect(await layoutOf(world)).toMatchObject({ epoch: 1, shardCount: 8 });
    expect(world.reports).toEqual([expect.stringContaining("small: SHARDS is 2, but there are 8 shards")]);
    await Promise.all([large.stop(), small.stop()]);
  });

  it("finish no shard for a number that their databases cannot share evenly, and say so until another is asked for", async () => {
    const world = worlds.make();
    const receiver = world.receiver("first", 2, world.ports("first"), 2);
    await receiver.start();
    const before = await layoutOf(world);
    valueOf(await world.store.layouts.want(before, 3));
    await sendAround(world, before);
    await drain(world);
    expect(await layoutOf(world)).toMatchObject({ epoch: 1, shardCount: 2, wantedShardCount: 3 });
    expect([world.waiting, await world.totals()]).toEqual([0, world.sent]);
    expect(world.reports).toEqual(["first: shards: 3 shards are no multiple of 2 databases"]);
    valueOf(await world.store.layouts.want(await layoutOf(world), 4));
    await drain(world);
    expect(await layoutOf(world)).toMatchObject({ epoch: 2, shardCount: 4 });
    await receiver.stop();
  });

  it("look again where the shards of a layout could not be opened, and say why", async () => {
    const world = worlds.make();
    let faults = 3;
    const receiver = world.receiver("first", 2, world.ports("first"), 1, ({ epoch }) => {
      if (epoch > 0 && faults-- > 0) throw new Error("there is no room");
    });
    await receiver.start();
    expect(receiver.state).toMatchObject({ kind: "retryable" });
    await world.clock.advance(5000);
    expect([receiver.state.kind, receiver.shards.owners.length]).toEqual(["success", 2]);
    const layout = await layoutOf(world);
    await sendAround(world, layout);
    await drain(world);
    expect([world.reports, await world.totals()]).toEqual([["first: shards: there is no room"], world.sent]);
    await receiver.stop();
  });

  it(
    "go back to fewer when that is asked for, and to more again, without a byte more or less",
    { timeout: 120_000 },
    async () => {
      const world = worlds.make();
      const receivers = ["a", "b", "c"].map((name) => world.receiver(name, 6));
      for (const receiver of receivers) await receiver.start();
      let before = await layoutOf(world);
      for (const wanted of [2, 8, 1, 6]) {
        valueOf(await world.store.layouts.want(await layoutOf(world), wanted));
        for (let step = 0; step < 20; step += 1) {
          await sendAround(world, before);
          await world.clock.advance(400);
        }
        await drain(world);
        before = await layoutOf(world);
        expect(before.shardCount).toBe(wanted);
      }
      await sendAround(world, before);
      await drain(world);
      for (const receiver of receivers) await receiver.stop();
      expect([world.waiting, await world.totals()]).toEqual([0, world.sent]);
    },
  );

  it(
    "go on after Redis was promoted in the middle of a change, which loses the seals",
    { timeout: 240_000 },
    async () => {
      for (let at = 0; at < 24; at += 2) {
        const world = worlds.make();
        const first = world.receiver("first", 2);
        await first.start();
        const before = await layoutOf(world);
        await sendAround(world, before);
        await world.clock.advance(700);
        const second = world.receiver("second", 8);
        await second.start();
        for (let step = 0; step < 25; step += 1) {
          await sendAround(world, before);
          if (step === at) world.server = "server 2";
          await world.clock.advance(100);
        }
        await drain(world);
        await sendAround(world, before);
        await drain(world);
        await Promise.all([first.stop(), second.stop()]);
        expect(await layoutOf(world)).toMatchObject({ shardCount: 8 });
        expect([world.waiting, await world.totals()], `promoted at ${at}`).toEqual([0, world.sent]);
        await world.store.close();
      }
    },
  );
});

describe("a receiver that dies at any call while the number of shards is changed, before or after it has had its effect,", () => {
  /** Ports that work until `arm(calls)`, then for so many calls more. */
  function mortal(ports: LayoutPorts, lastHasEffect: boolean) {
    let left = Number.POSITIVE_INFINITY;
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
    return {
      ports: {
        logs: (layout: ShardLayout) => ports.logs(layout).map(guard),
        leases: ports.leases.map(guard),
        store: guard(ports.store),
        layouts: guard(ports.layouts),
      },
      arm: (calls: number) => void (left = calls),
      isAlive: () => left >= 0,
    };
  }

  /** False: it lived through the change. */
  async function survive(calls: number, lastHasEffect: boolean): Promise<boolean> {
    const world = worlds.make();
    const { ports, arm, isAlive } = mortal(world.ports("mortal"), lastHasEffect);
    const first = world.receiver("mortal", 2, ports);
    await first.start();
    const before = await layoutOf(world);
    await sendAround(world, before);
    await world.clock.advance(PERSIST);
    await sendAround(world, before);
    valueOf(await world.store.layouts.want(before, 5));
    arm(calls);
    for (let step = 0; step < 10; step += 1) {
      await sendAround(world, before);
      await world.clock.advance(200);
    }
    const lived = isAlive();
    arm(-1);
    const next = world.receiver("next", 2);
    void next.start();
    await settled();
    for (let step = 0; step < 14; step += 1) {
      await sendAround(world, before);
      await world.clock.advance(500);
    }
    await drain(world);
    await sendAround(world, before);
    await next.stop();
    expect(await layoutOf(world), `died at call ${calls}`).toMatchObject({ epoch: 2, shardCount: 5 });
    expect([world.waiting, await world.totals()], `died at call ${calls}`).toEqual([0, world.sent]);
    await world.store.close();
    return !lived;
  }

  it.each([
    ["before", false],
    ["after", true],
  ])("%s: whoever comes next ends the change, to the same totals", { timeout: 300_000 }, async (_when, hasEffect) => {
    let deaths = 0;
    for (let calls = 0; await survive(calls, hasEffect); calls += 1) deaths += 1;
    expect(deaths).toBeGreaterThan(50);
  });
});

describe("without what keeps a log to one layout", () => {
  /** Whether a change still ends in the right totals. */
  async function endsRight(makeLog: () => LogModel): Promise<boolean> {
    const world = worlds.make(makeLog);
    await grows(world, 8);
    const totals = await world.totals();
    return world.waiting === 0 && Object.entries(world.sent).every(([name, sum]) => totals[name] === sum);
  }
  const limits = { maxEntries: 10_000, maxBytes: 10_000_000 };

  it("totals stay right where nothing is left out", async () => {
    expect(await endsRight(() => new LogModel(limits))).toBe(true);
  });

  it("totals go wrong where a sealed log takes appends", async () => {
    class Unsealed extends LogModel {
      override seal(): Result<void> {
        return success(undefined);
      }
    }
    expect(await endsRight(() => new Unsealed(limits))).toBe(false);
  });

  it("totals go wrong where a log takes the entries of every layout", async () => {
    class Mixed extends LogModel {
      override append(server: string, entry: LogEntryInput): Result<AppendedEntry> {
        return super.append(server, entry, this.state.layout);
      }
    }
    expect(await endsRight(() => new Mixed(limits))).toBe(false);
  });
});
