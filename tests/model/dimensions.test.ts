import { describe, expect, it } from "vitest";
import {
  DIMENSION_LENGTHS,
  fitDimensions,
  fitName,
  seriesId,
  type SeriesDimensions,
} from "../../src/model/dimensions.ts";
import { resourceSlot } from "../../src/model/resource-identity.ts";

const SHOP: SeriesDimensions = {
  protocol: "http",
  namespace: "",
  service: "shop",
  environment: "",
  side: "server",
  method: "GET",
  route: "/",
  statusCode: 200,
  meetingId: "",
  participantId: "",
};
/** What a slot is made of. */
const SLOT_PARTS = ["namespace", "service", "environment", "meetingId"] as const;

describe("the id of a series", () => {
  it("is the same for ever", () => {
    expect(seriesId(fitDimensions(SHOP))).toBe(-9_090_011_040_753_940_188n);
  });

  it.each(SLOT_PARTS)("is of names as they came, up to the width of the column: %s", (part) => {
    const longest = { ...SHOP, [part]: "x".repeat(DIMENSION_LENGTHS[part]) };
    expect(fitDimensions(longest)).toEqual(longest);
  });

  it.each(SLOT_PARTS)("is another where names differ only behind it, which may be in different shards: %s", (part) => {
    const length = DIMENSION_LENGTHS[part];
    const all = Array.from({ length: 100 }, (_, number) => ({ ...SHOP, [part]: "x".repeat(length) + number }));
    expect(new Set(all.map((dimensions) => resourceSlot(dimensions))).size).toBeGreaterThan(1);
    const fitted = all.map((dimensions) => fitDimensions(dimensions));
    expect(new Set(fitted.map((dimensions) => seriesId(dimensions))).size).toBe(all.length);
    for (const dimensions of fitted) expect(dimensions[part]).toMatch(new RegExp(`^x{${length - 17}}~[0-9a-f]{16}$`));
  });
});

describe("a name that is cut", () => {
  it("is valid text where a character of two units lies at the cut, and fits for good", () => {
    const name = `${"x".repeat(110)}\u{1F600}${"y".repeat(60)}`;
    const fitted = fitName(name, 128);
    expect([fitted.length, fitted.isWellFormed(), fitName(fitted, 128)]).toEqual([128, true, fitted]);
  });
});
