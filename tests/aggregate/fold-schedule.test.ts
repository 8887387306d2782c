import { describe, expect, it } from "vitest";
import { FoldSchedule } from "../../src/aggregate/fold-schedule.ts";

const INTERVAL = 5000;

describe("the schedule of a shard's folding", () => {
  it("counts from when it was due, however late each look comes", () => {
    const schedule = new FoldSchedule(INTERVAL);
    let now = 0;
    const folded: number[] = [];
    while (folded.length < 100) {
      now += schedule.delayMillis(now) + 13;
      if (!schedule.isDue(now)) continue;
      schedule.passed(now);
      folded.push(Math.floor(now / INTERVAL));
    }
    expect(folded).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
  });

  it("does not catch up with what was missed", () => {
    const schedule = new FoldSchedule(INTERVAL);
    schedule.passed(3 * INTERVAL + 1);
    expect([schedule.isDue(3 * INTERVAL + 2), schedule.isDue(4 * INTERVAL)]).toEqual([false, true]);
  });

  it("looks once a second, also while it is overdue, and sooner when it is due sooner", () => {
    const schedule = new FoldSchedule(INTERVAL);
    const delays = [0, INTERVAL - 1000, INTERVAL - 300, INTERVAL, 9 * INTERVAL].map((at) => schedule.delayMillis(at));
    expect(delays).toEqual([1000, 1000, 300, 1000, 1000]);
    expect(new FoldSchedule(200).delayMillis(1000)).toBe(200);
  });
});
