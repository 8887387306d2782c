import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AcknowledgedSeries } from "../../src/browser/acknowledged-series.ts";
import { EXTRA_EXPORTS, EXTRA_WINDOW_MILLIS, ExportThrottle } from "../../src/browser/export-throttle.ts";
import { FIRST_DELAY_MILLIS, LONGEST_DELAY_MILLIS, retryDelayMillis } from "../../src/browser/retry-delay.ts";

const THROTTLE_MILLIS = 10_000;

/** The times of the exports of a page that asks every second. */
function exportTimes(urgentAt: readonly number[], seconds: number, intervalMillis = THROTTLE_MILLIS): number[] {
  const throttle = new ExportThrottle(intervalMillis, 0);
  const times: number[] = [];
  for (let second = 1; second <= seconds; second += 1) {
    if (urgentAt.includes(second)) throttle.markUrgent();
    if (throttle.shouldExport(second * 1_000)) times.push(second);
  }
  return times;
}

describe("when to export", () => {
  it("is six times a minute in a steady call", () => {
    expect(exportTimes([], 60)).toEqual([10, 20, 30, 40, 50, 60]);
  });

  it("is at once on something urgent, and the next interval begins there", () => {
    expect(exportTimes([13], 40)).toEqual([10, 13, 23, 33]);
  });

  it("is twice a minute at once, and no more: what comes third waits for the interval", () => {
    expect(exportTimes([12, 15, 18], 40)).toEqual([10, 12, 15, 25, 35]);
  });

  it("gives an extra back a minute after it was used", () => {
    const times = exportTimes([1, 2, 5, 61, 64], 70);
    expect(times.filter((time) => time <= 12)).toEqual([1, 2, 12]);
    expect(times).toContain(61);
    expect(times).toContain(64);
  });

  it("is no later, and no more often, when the interval is told again and again", () => {
    const throttle = new ExportThrottle(THROTTLE_MILLIS, 0);
    const times: number[] = [];
    for (let second = 1; second <= 40; second += 1) {
      if (second >= 12) throttle.markUrgent();
      throttle.setInterval(THROTTLE_MILLIS);
      if (throttle.shouldExport(second * 1_000)) times.push(second);
    }
    expect(times).toEqual([10, 12, 13, 23, 33]);
  });

  it("is at every call without a throttle", () => {
    expect(exportTimes([], 5, 0)).toEqual([1, 2, 3, 4, 5]);
  });

  it("is at most eight times in any minute, and never later than an interval after the last", () => {
    const urgent = fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 300 });
    fc.assert(
      fc.property(urgent, (urgentAt) => {
        const times = exportTimes(urgentAt, 300);
        for (const [index, start] of times.entries()) {
          const within = times.slice(index).filter((time) => time < start + EXTRA_WINDOW_MILLIS / 1_000);
          expect(within.length).toBeLessThanOrEqual(6 + EXTRA_EXPORTS);
          expect((times[index + 1] ?? start) - start).toBeLessThanOrEqual(THROTTLE_MILLIS / 1_000);
        }
      }),
    );
  });
});

describe("the series that an export has", () => {
  it("are those that changed since the last acknowledged one", () => {
    const series = new AcknowledgedSeries();
    const first = new Map([
      ["a", 1],
      ["b", 2],
    ]);
    expect([...series.changes(first)]).toEqual(["a", "b"]);
    series.begin(first).acknowledge();
    expect([...series.changes(new Map([...first, ["b", 3], ["c", 0]]))]).toEqual(["b", "c"]);
  });

  it("come again until they are acknowledged", () => {
    const series = new AcknowledgedSeries();
    series.begin(new Map([["a", 1]]));
    expect([...series.changes(new Map([["a", 1]]))]).toEqual(["a"]);
  });

  it("are told by what was exported, not by what has changed since", () => {
    const series = new AcknowledgedSeries();
    const pending = series.begin(new Map([["a", 1]]));
    pending.acknowledge();
    expect([...series.changes(new Map([["a", 2]]))]).toEqual(["a"]);
  });

  it("leave the receiver with the newest value of everything, whatever is lost and acknowledged late", () => {
    const step = fc.record({
      series: fc.constantFrom("a", "b", "c"),
      rise: fc.nat(5),
      delivered: fc.boolean(),
      acknowledged: fc.constantFrom("now", "later", "never"),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const series = new AcknowledgedSeries();
        const current = new Map<string, number>();
        const received = new Map<string, number>();
        const late: (() => void)[] = [];
        for (const { series: name, rise, delivered, acknowledged } of steps) {
          current.set(name, (current.get(name) ?? 0) + rise);
          const changed = series.changes(current);
          const exported = new Map([...current].filter(([key]) => changed.has(key)));
          const pending = series.begin(exported);
          if (!delivered) continue;
          for (const [key, value] of exported) received.set(key, value);
          if (acknowledged === "now") pending.acknowledge();
          if (acknowledged === "later") late.push(() => pending.acknowledge());
        }
        for (const acknowledge of late.toReversed()) acknowledge();
        for (const key of series.changes(current)) received.set(key, current.get(key)!);
        expect(received).toEqual(current);
      }),
    );
  });
});

describe("the wait before trying again", () => {
  it("grows to its limit and is never less than half of it", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (failures, random) => {
          const limit = Math.min(LONGEST_DELAY_MILLIS, FIRST_DELAY_MILLIS * 2 ** (failures - 1));
          const delay = retryDelayMillis(failures, random);
          expect(delay).toBeGreaterThanOrEqual(limit / 2);
          expect(delay).toBeLessThanOrEqual(limit);
        },
      ),
    );
  });

  it("is another for another random number", () => {
    expect(retryDelayMillis(10, 0.1)).not.toBe(retryDelayMillis(10, 0.9));
  });
});
