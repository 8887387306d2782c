import { describe, expect, it } from "vitest";
import { KnownLease } from "../../src/aggregate/known-lease.ts";
import type { LeaseView } from "../../src/model/shard-lease.ts";
import { FakeClock } from "../support/fake-clock.ts";

const TTL = 4000;

function known() {
  const clock = new FakeClock(0);
  const asked = { state: "held" as LeaseView["state"], holds: false, holdCalls: 0, takesMillis: 0 };
  const lease = new KnownLease(
    {
      stand: async () => {
        if (asked.takesMillis > 0) await new Promise<void>((resolve) => void clock.after(asked.takesMillis, resolve));
        return { state: asked.state, candidates: ["me"] };
      },
      hold: async () => ((asked.holdCalls += 1), asked.holds),
      handOver: async () => undefined,
      release: async () => undefined,
    },
    clock,
  );
  return { clock, asked, lease };
}

describe("a known lease", () => {
  it("is held without asking for as long as it was renewed for, counted from before that was asked for", async () => {
    const { clock, asked, lease } = known();
    asked.takesMillis = 1000;
    const standing = lease.stand(TTL);
    await clock.advance(1000);
    await standing;
    await clock.advance(TTL - 1001);
    expect([await lease.isHeld(TTL), asked.holdCalls]).toEqual([true, 0]);
    await clock.advance(1);
    expect([await lease.isHeld(TTL), asked.holdCalls]).toEqual([false, 1]);
  });

  it("is asked for where nothing is known, and then known", async () => {
    const { asked, lease } = known();
    asked.holds = true;
    expect([await lease.isHeld(TTL), await lease.isHeld(TTL), asked.holdCalls]).toEqual([true, true, 1]);
  });

  it.each(["taken", "free"] as const)("is not held once it was seen %s", async (state) => {
    const { asked, lease } = known();
    await lease.stand(TTL);
    asked.state = state;
    await lease.stand(TTL);
    expect(await lease.isHeld(TTL)).toBe(false);
  });

  it("is held until it would run out while nobody can be asked", async () => {
    const { clock, asked, lease } = known();
    await lease.stand(TTL);
    asked.state = "unknown";
    await clock.advance(TTL - 1);
    await lease.stand(TTL);
    expect(await lease.isHeld(TTL)).toBe(true);
    await clock.advance(1);
    expect(await lease.isHeld(TTL)).toBe(false);
  });

  it.each(["handOver", "release"] as const)("is not held after %s", async (end) => {
    const { lease } = known();
    await lease.stand(TTL);
    await lease[end]();
    expect(await lease.isHeld(TTL)).toBe(false);
  });
});
