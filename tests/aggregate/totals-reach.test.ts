import { describe, expect, it } from "vitest";
import { AWAY_MILLIS, TotalsReach } from "../../src/aggregate/totals-reach.ts";
import { retryable, success, type Result } from "../../src/model/result.ts";
import { FakeClock, settled } from "../support/fake-clock.ts";

/** Totals that answer as they are told to. */
class Asked {
  readonly clock = new FakeClock(0);
  calls = 0;
  answer: () => Promise<Result<number>> = async () => success(1);
  readonly reach: TotalsReach = new TotalsReach({
    clock: this.clock,
    store: {
      birth: () => {
        this.calls += 1;
        return this.answer();
      },
    },
  });

  /** Looks every second; how often the totals were there. */
  async looks(seconds: number): Promise<number> {
    let there = 0;
    for (let second = 0; second < seconds; second += 1) {
      if (this.reach.isThere) there += 1;
      await settled();
      await this.clock.advance(1000);
    }
    return there;
  }
}

describe("a way to the totals", () => {
  it("is there while they answer, and asks no more than every five seconds", async () => {
    const asked = new Asked();
    expect(await asked.looks(60)).toBe(60);
    expect(asked.calls).toBeLessThanOrEqual(12);
  });

  it.each([
    ["answer that they are away", async () => retryable("unavailable", "away")],
    ["do not answer at all", () => new Promise<never>(() => undefined)],
  ])("is lost when they %s for long enough, and not before", async (_, answer) => {
    const asked = new Asked();
    asked.answer = answer;
    expect(await asked.looks(60)).toBe(AWAY_MILLIS / 1000);
  });

  it("is there again as soon as they answer", async () => {
    const asked = new Asked();
    asked.answer = async () => retryable("unavailable", "away");
    await asked.looks(20);
    asked.answer = async () => success(1);
    await asked.looks(6);
    expect(asked.reach.isThere).toBe(true);
  });

  it("is asked once at a time, however long the answer takes", async () => {
    const asked = new Asked();
    const late = Promise.withResolvers<Result<number>>();
    asked.answer = () => late.promise;
    await asked.looks(60);
    expect(asked.calls).toBe(1);
    late.resolve(success(1));
    await settled();
    expect(asked.reach.isThere).toBe(true);
  });
});
