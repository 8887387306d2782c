import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareLogIds, nextLogId, parseLogId } from "../../src/model/log-id.ts";

const part = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const id = fc.tuple(part, part).map(([high, low]) => `${high}-${low}`);

function asOneNumber(text: string): bigint {
  const [high = "", low = ""] = text.split("-");
  return BigInt(high) * 2n ** 64n + BigInt(low);
}

describe("log ids", () => {
  it("compare by number, not by text", () => {
    expect(compareLogIds("9-0", "10-0")).toBeLessThan(0);
    expect(compareLogIds("10-9", "10-10")).toBeLessThan(0);
    expect(compareLogIds("18446744073709551615-0", "18446744073709551614-1")).toBeGreaterThan(0);
  });

  it("compare as their two numbers do", () => {
    fc.assert(
      fc.property(id, id, (left, right) => {
        const difference = asOneNumber(left) - asOneNumber(right);
        const sign = difference < 0n ? -1 : Number(difference > 0n);
        expect(compareLogIds(left, right)).toBe(sign);
      }),
    );
  });

  it("have a next one with nothing in between", () => {
    expect([nextLogId("0-0"), nextLogId("5-18446744073709551615")]).toEqual(["0-1", "6-0"]);
    expect(nextLogId("18446744073709551615-18446744073709551615")).toBeUndefined();
  });

  it.each(["", "1", "-1-0", "1-0-0", "1-x", "18446744073709551616-0", " 1-0"])("are not %j", (text) => {
    expect(() => parseLogId(text)).toThrow(RangeError);
  });
});
