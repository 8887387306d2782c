import { describe, expect, it } from "vitest";
import { RetentionTime } from "../../src/rollup/retention-time.ts";

const DAY = 86_400;
const NOW = Date.UTC(2026, 10, 22) / 1000;
const HOUR_MILLIS = 3_600_000;

describe("the time of retention", () => {
  it("is that of the clock where nothing was maintained before", () => {
    const time = new RetentionTime(0, 0);
    expect(time.advance(NOW * 1000 + 999, 5)).toBe(NOW);
  });

  it("does not follow a clock that is ahead, at the start or later", () => {
    const time = new RetentionTime(NOW, 0);
    expect(time.advance((NOW + 4 * DAY) * 1000, 0)).toBe(NOW);
    expect(time.advance((NOW + 4 * DAY) * 1000, HOUR_MILLIS)).toBe(NOW + 4500);
    expect(time.advance((NOW + 3600) * 1000, HOUR_MILLIS)).toBe(NOW + 3600);
  });

  it("follows the clock as time passes", () => {
    const time = new RetentionTime(NOW, 0);
    for (let hours = 1; hours <= 100; hours += 1) {
      expect(time.advance((NOW + hours * 3600) * 1000, hours * HOUR_MILLIS)).toBe(NOW + hours * 3600);
    }
  });

  it("has caught up four pauses after a pause", () => {
    const time = new RetentionTime(NOW, 0);
    const back = NOW + 7 * DAY;
    for (let hours = 0; hours < 28 * 24; hours += 1) time.advance((back + hours * 3600) * 1000, hours * HOUR_MILLIS);
    const end = back + 28 * DAY;
    expect(time.advance(end * 1000, 28 * 24 * HOUR_MILLIS)).toBe(end);
  });

  it("is behind with a clock that is behind, and where it was when the clock is right again", () => {
    const time = new RetentionTime(NOW, 0);
    expect(time.advance((NOW - DAY) * 1000, 1000)).toBe(NOW - DAY);
    expect(time.advance((NOW + 10) * 1000, 10_000)).toBe(NOW + 10);
  });

  it("is that of the clock after what a clock noted that was never set", () => {
    const time = new RetentionTime(1000, 0);
    expect(time.advance(2_000_000, 1000)).toBe(2000);
    expect(time.advance(NOW * 1000, 2000)).toBe(NOW);
  });
});
