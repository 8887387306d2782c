import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LedgerHorizon } from "../../src/aggregate/ledger-horizon.ts";
import { RecentDeltas } from "../../src/aggregate/recent-deltas.ts";

const HOUR = 3_600_000;
const NOW = 1_800_000_000_000;
/** Twice the age, and an hour more. */
const KEPT_SECONDS = (3 * HOUR) / 1000;

describe("the horizon of a ledger", () => {
  it("follows the clock while the clock is right", () => {
    const horizon = new LedgerHorizon(HOUR, undefined, NOW, 0);
    expect(horizon.advance(NOW + 60_000, 60_000)).toBe(NOW / 1000 + 60 - KEPT_SECONDS);
  });

  it("does not jump with a clock that jumps ahead, and is where it was when the clock is right again", () => {
    const horizon = new LedgerHorizon(HOUR, undefined, NOW, 0);
    expect(horizon.advance(NOW + 24 * HOUR, 60_000)).toBeLessThanOrEqual(NOW / 1000 + 4 * 60 - KEPT_SECONDS);
    expect(horizon.advance(NOW + 120_000, 120_000)).toBe(NOW / 1000 + 120 - KEPT_SECONDS);
  });

  it("keeps what is there after a start with a clock that is ahead", () => {
    const oldest = NOW / 1000 - KEPT_SECONDS + 5;
    expect(new LedgerHorizon(HOUR, oldest, NOW + 24 * HOUR, 0).advance(NOW + 24 * HOUR, 0)).toBe(oldest);
  });

  it("catches up after a long pause", () => {
    const horizon = new LedgerHorizon(HOUR, NOW / 1000 - 4 * 86_400, NOW, 0);
    expect(horizon.advance(NOW + 24 * HOUR, 24 * HOUR)).toBe(NOW / 1000);
    expect(horizon.advance(NOW + 48 * HOUR, 48 * HOUR)).toBe((NOW + 48 * HOUR) / 1000 - KEPT_SECONDS);
  });

  it("never passes what the clock allows, whatever the clock does", () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: -HOUR, max: 48 * HOUR }), fc.integer({ min: 0, max: HOUR })));
    fc.assert(
      fc.property(steps, (given) => {
        const horizon = new LedgerHorizon(HOUR, undefined, NOW, 0);
        let passed = 0;
        for (const [skew, elapsed] of given) {
          passed += elapsed;
          const seconds = horizon.advance(NOW + passed + skew, passed);
          expect(seconds).toBeLessThanOrEqual((NOW + passed + skew) / 1000 - KEPT_SECONDS);
          expect(seconds).toBeLessThanOrEqual((NOW + 4 * passed) / 1000 - KEPT_SECONDS);
        }
      }),
    );
  });
});

describe("delta data that was accepted lately", () => {
  it("is still known when receive times have jumped ahead by a day and come back", () => {
    const recent = new RecentDeltas(HOUR, 1_000_000);
    for (let minute = 0; minute < 60; minute++) recent.addPoint(7, minute + 1, NOW + minute * 60_000, NOW);
    recent.addPoint(8, 1, NOW + 24 * HOUR, NOW);
    recent.addPoint(8, 2, NOW + 61 * 60_000, NOW);
    for (let minute = 0; minute < 60; minute++) expect(recent.hasPoint(7, minute + 1)).toBe(true);
    expect(recent.forgottenThroughMillis).toBe(0);
  });
});
