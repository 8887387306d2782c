import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareTotals, comparisonTable } from "../../../src/app/demo/compare.ts";
import type { Amounts, EndpointTotals } from "../../../src/app/demo/endpoint-totals.ts";

const ORDERS = "POST   /api/orders 201";
const EXPORT = "GET    /api/export 200";
const LOAD: EndpointTotals = new Map([
  [ORDERS, { requests: 2n, bytesIn: 1234n, bytesOut: 56n }],
  [EXPORT, { requests: 1n, bytesIn: 0n, bytesOut: 2n ** 60n }],
]);

function changed(totals: EndpointTotals, endpoint: string, part: keyof Amounts, by: bigint): EndpointTotals {
  const amounts = totals.get(endpoint)!;
  return new Map([...totals, [endpoint, { ...amounts, [part]: amounts[part] + by }]]);
}

const everywhere = (totals: EndpointTotals) => ({ minute: totals, hourly: totals, daily: totals });

describe("the comparison", () => {
  it("is equal when every table has what the load counted", () => {
    const comparison = compareTotals(LOAD, everywhere(new Map([...LOAD].toReversed())));
    expect(comparison.equal).toBe(true);
    expect(comparison.endpoints.map(({ name }) => name)).toEqual([EXPORT, ORDERS]);
  });

  it("fails when any number of any endpoint or table differs, by however little", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("minute", "hourly", "daily"),
        fc.constantFrom(ORDERS, EXPORT),
        fc.constantFrom<keyof Amounts>("requests", "bytesIn", "bytesOut"),
        fc.bigInt({ min: -1000n, max: 1000n }).filter((by) => by !== 0n),
        (table, endpoint, part, by) => {
          const stored = { ...everywhere(LOAD), [table]: changed(LOAD, endpoint, part, by) };
          expect(compareTotals(LOAD, stored).equal).toBe(false);
        },
      ),
    );
  });

  it("fails when bytes are stored under another endpoint, though the sums are equal", () => {
    const moved = changed(changed(LOAD, ORDERS, "bytesOut", 5n), EXPORT, "bytesOut", -5n);
    const comparison = compareTotals(LOAD, everywhere(moved));
    expect(comparison.sums.every(({ equal }) => equal)).toBe(true);
    expect(comparison.equal).toBe(false);
  });

  it("fails for an endpoint that only one side knows", () => {
    const without = new Map([...LOAD].filter(([name]) => name !== ORDERS));
    expect(compareTotals(LOAD, everywhere(without)).equal).toBe(false);
    expect(compareTotals(without, everywhere(LOAD)).equal).toBe(false);
  });

  it("fails when there is nothing to compare", () => {
    expect(compareTotals(new Map(), everywhere(new Map())).equal).toBe(false);
  });

  it("shows both numbers of each endpoint side by side", () => {
    const lines = comparisonTable(compareTotals(LOAD, everywhere(changed(LOAD, ORDERS, "bytesIn", -1n))));
    const fields = (name: string) =>
      lines
        .find((line) => line.startsWith(name))
        ?.slice(name.length)
        .trim()
        .split(/\s+/);
    expect(fields(ORDERS)).toEqual(["2", "2", "1,234", "1,233", "56", "56", "DIFFERENT"]);
    expect(fields(EXPORT)?.at(-1)).toBe("equal");
    expect(fields("sum of metrics_hourly")?.at(-1)).toBe("DIFFERENT");
  });
});
