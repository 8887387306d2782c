import { describe, expect, it } from "vitest";
import { type Result, retryable, success } from "../../src/model/result.ts";
import { SharedRead } from "../../src/realtime/shared-read.ts";
import { FakeClock } from "../support/fake-clock.ts";

const KEPT = 2000;
const AWAY = retryable("unavailable", "Redis is away");

/** A read that takes its time and answers with how often it was asked, or as it is told. */
function counted(takesMillis: number) {
  const clock = new FakeClock(0);
  const asked = { times: 0, answer: undefined as Result<number> | undefined };
  const read = async (): Promise<Result<number>> => {
    asked.times += 1;
    const { times } = asked;
    if (takesMillis > 0) await new Promise<void>((resolve) => void clock.after(takesMillis, resolve));
    return asked.answer ?? success(times);
  };
  return { clock, asked, shared: new SharedRead({ clock, read, keptMillis: KEPT }) };
}

describe("a shared read", () => {
  it("is made once for everybody who asks while it is under way", async () => {
    const { clock, asked, shared } = counted(500);
    const answers = Array.from({ length: 100 }, () => shared.get());
    await clock.advance(499);
    answers.push(shared.get());
    await clock.advance(1);
    expect(new Set(await Promise.all(answers))).toEqual(new Set([success(1)]));
    expect(asked.times).toBe(1);
  });

  it("is kept for a while after it began, and then made anew", async () => {
    const { clock, asked, shared } = counted(0);
    await shared.get();
    await clock.advance(KEPT - 1);
    expect(await shared.get()).toEqual(success(1));
    await clock.advance(1);
    expect(await shared.get()).toEqual(success(2));
    expect(asked.times).toBe(2);
  });

  it("is not made more than half of the time, however long it takes", async () => {
    const { clock, asked, shared } = counted(3 * KEPT);
    for (let passed = 0; passed < 60 * KEPT; passed += KEPT / 4) {
      void shared.get();
      await clock.advance(KEPT / 4);
    }
    expect(asked.times).toBe(10);
  });

  it("is not kept when it failed", async () => {
    const { asked, shared } = counted(0);
    asked.answer = AWAY;
    expect(await shared.get()).toBe(AWAY);
    asked.answer = undefined;
    expect(await shared.get()).toEqual(success(2));
  });

  it("ends for all who wait when it throws, and is made anew", async () => {
    const clock = new FakeClock(0);
    let isBroken = true;
    const read = async () => {
      if (isBroken) throw new Error("a fault of ours");
      return success(1);
    };
    const shared = new SharedRead({ clock, read, keptMillis: KEPT });
    const answers = await Promise.allSettled([shared.get(), shared.get()]);
    expect(answers.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    isBroken = false;
    expect(await shared.get()).toEqual(success(1));
  });
});
