import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  formatAge,
  formatAverage,
  formatBytesPerSecond,
  formatCount,
  formatPerSecond,
  formatPricePerHour,
  formatRatio,
  formatSeconds,
  quantityText,
  type Quantity,
} from "../../src/live/format-quantity.ts";

const plain = (quantity: Quantity): string => quantityText(quantity).replaceAll("\u00a0", " ");

describe("a figure", () => {
  it.each([
    [0, "0 B/s"],
    [0.001, "<0.01 B/s"],
    [0.4, "0.40 B/s"],
    [7, "7.00 B/s"],
    [999.4, "999 B/s"],
    [999.6, "1.00 kB/s"],
    [1234, "1.23 kB/s"],
    [12_345, "12.3 kB/s"],
    [999_999, "1.00 MB/s"],
    [1_500_000_000, "1.50 GB/s"],
    [5e18, "5000 PB/s"],
    [Number.NaN, "–"],
    [Number.POSITIVE_INFINITY, "–"],
  ])("of %d bytes a second is %s", (bytes, text) => expect(plain(formatBytesPerSecond(bytes))).toBe(text));

  it.each([
    [null, "–"],
    [0, "0 ms"],
    [0.000_42, "0.42 ms"],
    [0.0185, "18.5 ms"],
    [0.3, "300 ms"],
    [0.9994, "999 ms"],
    [0.9996, "1.00 s"],
    [75, "75.0 s"],
    [12_345, "12,345 s"],
  ])("of %d seconds is %s", (seconds, text) => expect(plain(formatSeconds(seconds))).toBe(text));

  it.each([
    [0, "0 %"],
    [0.000_01, "<0.01 %"],
    [0.0123, "1.23 %"],
    [1, "100 %"],
    [null, "–"],
  ])("of the ratio %d is %s", (ratio, text) => expect(plain(formatRatio(ratio))).toBe(text));

  it.each([
    [0, "0"],
    [0.02, "<0.1"],
    [0.34, "0.3"],
    [2.96, "3.0"],
    [3, "3"],
    [12.4, "12"],
    [Number.NaN, "–"],
  ])("of %d things on average is %s", (average, text) => expect(plain(formatAverage(average))).toBe(text));

  it("of requests, counts and prices keeps thousands apart, and its unit where it has one", () => {
    expect(plain(formatPerSecond(0.25))).toBe("0.25 /s");
    expect(plain(formatPerSecond(12_345.6))).toBe("12,346 /s");
    expect(plain(formatPerSecond(1_500_000))).toBe("1.50 M/s");
    expect(plain(formatCount(10_000))).toBe("10,000");
    expect(plain(formatPricePerHour(1.449))).toBe("1.45 /h");
    expect(plain(formatPricePerHour(0.001))).toBe("<0.01 /h");
    expect(plain(formatPricePerHour(0))).toBe("0.00 /h");
  });

  it("never has more than three digits before its prefix, and is within half a percent of the amount", () => {
    const prefixes: Record<string, number> = {
      "B/s": 1,
      "kB/s": 1e3,
      "MB/s": 1e6,
      "GB/s": 1e9,
      "TB/s": 1e12,
      "PB/s": 1e15,
    };
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 9e17, noNaN: true }), (bytes) => {
        const { value, unit } = formatBytesPerSecond(bytes);
        expect(Number(value)).toBeLessThan(1000);
        expect(Math.abs(Number(value) * prefixes[unit]! - bytes) / bytes).toBeLessThan(0.5001);
        if (bytes >= 1) expect(Math.abs(Number(value) * prefixes[unit]! - bytes) / bytes).toBeLessThan(0.0051);
      }),
    );
  });
});

it.each([
  [-5, "0 s"],
  [1499, "1 s"],
  [59_400, "59 s"],
  [60_000, "1 min"],
  [3_599_000, "59 min"],
  [3_900_000, "1 h 5 min"],
  [90_000_000, "1 d 1 h"],
])("an age of %d ms is %s", (millis, text) => expect(formatAge(millis).replaceAll("\u00a0", " ")).toBe(text));
