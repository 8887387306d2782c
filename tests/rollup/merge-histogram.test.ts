/** Merging histograms as text gives what merging them as objects gives. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  histogramFromJson,
  histogramToJson,
  MAX_LATENCY_INDEX,
  mergeHistogram,
  MIN_LATENCY_INDEX,
} from "../../src/model/latency-histogram.ts";
import type { LatencyHistogram } from "../../src/model/latency-histogram.ts";
import { mergedHistogramJson } from "../../src/rollup/merge-histogram.ts";

const anyIndex = fc.oneof(
  fc.integer({ min: -6, max: 6 }),
  fc.integer({ min: MIN_LATENCY_INDEX, max: MAX_LATENCY_INDEX }),
);
const anyCount = fc.oneof(fc.integer({ min: 0, max: 120 }), fc.maxSafeNat());
const anyHistogram = fc
  .array(fc.tuple(anyIndex, anyCount), { maxLength: 80 })
  .map((pairs): LatencyHistogram => new Map(pairs));

function mergedAsObjects(stored: string, added: LatencyHistogram): string {
  const merged = histogramFromJson(stored);
  mergeHistogram(merged, added);
  return histogramToJson(merged);
}

describe("a merged histogram", () => {
  it("is the one that merging objects gives, character by character", () => {
    fc.assert(
      fc.property(anyHistogram, anyHistogram, (stored, added) => {
        const text = histogramToJson(stored);
        const before = [...added];
        expect(mergedHistogramJson(text, added)).toBe(mergedAsObjects(text, added));
        expect([...added]).toEqual(before);
      }),
      { numRuns: 1000 },
    );
  });

  it("is the same from the text that MySQL gives back, with its spaces", () => {
    fc.assert(
      fc.property(anyHistogram, anyHistogram, (stored, added) => {
        const spaced = histogramToJson(stored).replaceAll(",", ", ");
        expect(mergedHistogramJson(spaced, added).replaceAll(" ", "")).toBe(mergedAsObjects(spaced, added));
      }),
    );
  });

  it("is the one that merging objects gives, or the same error, whatever character of the stored text is changed", () => {
    const change = fc.tuple(
      fc.nat(),
      fc.nat({ max: 2 }),
      fc.constantFrom(...'[],-+.019e \n"'.split(""), "", "\u0131", "null"),
    );
    fc.assert(
      fc.property(anyHistogram, anyHistogram, change, (stored, added, [place, removed, inserted]) => {
        const text = histogramToJson(stored);
        const at = place % (text.length + 1);
        const changed = text.slice(0, at) + inserted + text.slice(at + removed);
        const attempt = (merge: typeof mergedAsObjects): string => {
          try {
            return merge(changed, added).replaceAll(", ", ",");
          } catch (error) {
            return String(error);
          }
        };
        expect(attempt(mergedHistogramJson)).toBe(attempt(mergedAsObjects));
      }),
      { numRuns: 2000 },
    );
  });

  it.each(["", "[", "[[1,2]", "[[1,2],]", "[[1,2]]x", "[[01,2]]", "[[1,]]", "{}"])("is refused from %j", (text) => {
    expect(() => mergedHistogramJson(text, new Map([[1, 1]]))).toThrow();
  });

  it.each([
    ["[[2,1],[1,1]]", "[[1,2],[2,1]]"],
    ["[[1,0],[2,0]]", "[[1,1]]"],
    ["[[1,1],[1,3]]", "[[1,4]]"],
    [" [ [1 ,1]\n]", "[[1,2]]"],
    ["[]", "[[1,1]]"],
    ["[[-0,1]]", "[[0,1],[1,1]]"],
  ])("is put right from %j, which we would not write", (text, merged) => {
    expect(mergedHistogramJson(text, new Map([[1, 1]]))).toBe(merged);
  });
});
