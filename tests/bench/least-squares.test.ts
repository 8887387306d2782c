/** The fit finds the costs that made the figures, and never one below zero. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nonNegativeLeastSquares } from "../../bench/least-squares.ts";

const amount = fc.double({ min: 1, max: 100, noNaN: true });
const cost = fc.oneof(fc.constant(0), fc.double({ min: 0.01, max: 10, noNaN: true }));

function product(row: readonly number[], costs: readonly number[]): number {
  return row.reduce((sum, value, at) => sum + value * costs[at]!, 0);
}

function squaredError(
  rows: readonly (readonly number[])[],
  wanted: readonly number[],
  costs: readonly number[],
): number {
  return rows.reduce((sum, row, at) => sum + (product(row, costs) / wanted[at]! - 1) ** 2, 0);
}

describe("non-negative least squares", () => {
  it("foretells figures that were made by such costs, of columns of any magnitude", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(amount, amount, amount), { minLength: 5, maxLength: 20 }),
        fc.tuple(cost, cost, cost).filter((costs) => costs.some((value) => value > 0)),
        (amounts, costs) => {
          const rows = amounts.map(([a, b, c]) => [a * 1e6, b, c / 1000]);
          const wanted = rows.map((row) => product(row, [costs[0] / 1e6, costs[1], costs[2] * 1000]));
          const found = nonNegativeLeastSquares(rows, wanted);
          for (const value of found) expect(value).toBeGreaterThanOrEqual(0);
          for (const [at, row] of rows.entries())
            expect(Math.abs(product(row, found) / wanted[at]! - 1)).toBeLessThan(0.02);
        },
      ),
      { numRuns: 30 },
    );
  });

  it("comes closer than any costs near those it found", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(amount, amount, amount), { minLength: 4, maxLength: 12 }),
        fc.tuple(fc.double({ min: 0.5, max: 1.5, noNaN: true }), fc.double({ min: 0.5, max: 1.5, noNaN: true })),
        (figures, [first, second]) => {
          const rows = figures.map(([a, b]) => [a, b]);
          const wanted = figures.map(([, , value]) => value);
          const found = nonNegativeLeastSquares(rows, wanted);
          const other = [found[0]! * first, found[1]! * second];
          expect(squaredError(rows, wanted, found)).toBeLessThanOrEqual(squaredError(rows, wanted, other) + 1e-6);
        },
      ),
    );
  });

  it("gives nothing to what would have to cost less than nothing", () => {
    const rows = [
      [1, 1],
      [2, 1],
      [3, 1],
    ];
    const [perUnit, once] = nonNegativeLeastSquares(rows, [0.5, 1.5, 2.5]);
    expect(once).toBe(0);
    expect(perUnit).toBeGreaterThan(0);
  });

  it("refuses figures that nothing can be told from", () => {
    expect(() => nonNegativeLeastSquares([], [])).toThrow("for each of one or more rows");
    expect(() => nonNegativeLeastSquares([[1]], [0])).toThrow("above zero");
  });
});
