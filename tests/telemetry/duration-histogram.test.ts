import fc from "fast-check";
import { expect, it } from "vitest";
import { DURATION_BOUNDARIES, DurationHistogram } from "../../src/telemetry/duration-histogram.ts";

it("puts each duration into the first bucket whose boundary it is not above", () => {
  const seconds = fc.oneof(fc.double({ min: 0, max: 100, noNaN: true }), fc.constantFrom(...DURATION_BOUNDARIES));
  fc.assert(
    fc.property(fc.array(seconds), (durations) => {
      const histogram = new DurationHistogram();
      for (const duration of durations) histogram.record(duration, {});
      const bounds = [...DURATION_BOUNDARIES, Infinity];
      const expected = bounds.map(
        (bound, at) => durations.filter((duration) => duration <= bound && duration > (bounds[at - 1] ?? -1)).length,
      );
      const [set] = histogram.sets();
      expect(set?.counts ?? expected).toEqual(expected);
      expect(set?.count ?? 0).toBe(durations.length);
      expect(set?.sum ?? 0).toBeCloseTo(
        durations.reduce((sum, duration) => sum + duration, 0),
        6,
      );
    }),
  );
});

it("keeps sets of attributes apart, and what is beyond their limit together", () => {
  const histogram = new DurationHistogram();
  for (let set = 0; set < 600; set++) {
    histogram.record(1, { operation: String(set) });
    histogram.record(1, { operation: String(set) });
  }
  const sets = histogram.sets();
  expect(sets.length).toBe(501);
  expect(sets.at(0)).toMatchObject({ attributes: { operation: "0" }, count: 2 });
  expect(sets.at(-1)).toMatchObject({ attributes: { "otel.metric.overflow": "true" }, count: 200 });
});
