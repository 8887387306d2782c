import { describe, expect, it } from "vitest";
import { AppendQueue } from "../../src/log/append-queue.ts";
import { success } from "../../src/model/result.ts";
import { FakeClock, settled } from "../support/fake-clock.ts";
import { logEntry, valueOf } from "../support/log-entries.ts";

/** A queue whose batches are answered when the test says so. */
function queue(): {
  readonly queue: AppendQueue;
  readonly clock: FakeClock;
  readonly sizes: number[];
  answer: () => void;
} {
  const clock = new FakeClock(0);
  const sizes: number[] = [];
  const answers: (() => void)[] = [];
  return {
    clock,
    sizes,
    answer: () => answers.shift()!(),
    queue: new AppendQueue({
      clock,
      maxBatchBytes: 1_000_000,
      maxBatchEntries: 100,
      maxDelayMillis: 5,
      maxWaitMillis: 1000,
      send: async (entries) => {
        sizes.push(entries.length);
        await new Promise<void>((resolve) => void answers.push(resolve));
        return success(entries.map((_, index) => success({ id: `${index}-0`, generation: 1 })));
      },
    }),
  };
}

/** Appends so many entries and has them answered. */
async function round({ queue: appends, answer }: ReturnType<typeof queue>, count: number): Promise<void> {
  const waiting = Array.from({ length: count }, () => appends.append(logEntry()));
  await settled();
  answer();
  for (const result of await Promise.all(waiting)) valueOf(result);
}

describe("a queue of appends", () => {
  it("does not make one wait that comes alone", async () => {
    const world = queue();
    await round(world, 1);
    await round(world, 1);
    expect([world.sizes, world.clock.monotonicMillis()]).toEqual([[1, 1], 0]);
  });

  it("waits until as many came as the last time, and then sends at once", async () => {
    const world = queue();
    await round(world, 3);
    const first = [world.queue.append(logEntry()), world.queue.append(logEntry())];
    await settled();
    expect(world.sizes).toEqual([3]);
    const third = world.queue.append(logEntry());
    await settled();
    expect(world.sizes).toEqual([3, 3]);
    world.answer();
    for (const result of await Promise.all([...first, third])) valueOf(result);
  });

  it("becomes one of those who were answered and those who came meanwhile", async () => {
    const world = queue();
    const early = [world.queue.append(logEntry()), world.queue.append(logEntry())];
    await settled();
    const late = world.queue.append(logEntry());
    world.answer();
    for (const result of await Promise.all(early)) valueOf(result);
    await settled();
    expect(world.sizes).toEqual([2]);
    const again = [world.queue.append(logEntry()), world.queue.append(logEntry())];
    await settled();
    expect(world.sizes).toEqual([2, 3]);
    world.answer();
    for (const result of await Promise.all([late, ...again])) valueOf(result);
  });

  it("waits a few milliseconds at most, and expects fewer after that", async () => {
    const world = queue();
    await round(world, 3);
    const one = world.queue.append(logEntry());
    await world.clock.advance(4);
    expect(world.sizes).toEqual([3]);
    await world.clock.advance(1);
    expect(world.sizes).toEqual([3, 1]);
    world.answer();
    valueOf(await one);
    await round(world, 1);
    expect([world.sizes, world.clock.monotonicMillis()]).toEqual([[3, 1, 1], 5]);
  });

  it("waits again after a wait that had nothing to send", async () => {
    const world = queue();
    await round(world, 2);
    const one = world.queue.append(logEntry());
    await world.clock.advance(5);
    world.answer();
    valueOf(await one);
    await round(world, 2);
    const another = world.queue.append(logEntry());
    await settled();
    expect(world.sizes.length).toBe(3);
    await world.clock.advance(5);
    expect(world.sizes).toEqual([2, 1, 2, 1]);
    world.answer();
    valueOf(await another);
  });

  it("waits its own time, not what was left of the wait of a batch that went early", async () => {
    const world = queue();
    await round(world, 3);
    const first = [world.queue.append(logEntry()), world.queue.append(logEntry())];
    await settled();
    first.push(world.queue.append(logEntry()));
    await settled();
    world.answer();
    for (const result of await Promise.all(first)) valueOf(result);
    await world.clock.advance(3);
    const one = world.queue.append(logEntry());
    await world.clock.advance(4);
    expect(world.sizes).toEqual([3, 3]);
    await world.clock.advance(1);
    expect(world.sizes).toEqual([3, 3, 1]);
    world.answer();
    valueOf(await one);
  });
});
