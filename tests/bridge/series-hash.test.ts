import fc from "fast-check";
import { expect, it } from "vitest";
import { hashOf } from "../../src/bridge/series-hash.ts";

const seed = fc.integer({ min: 0, max: 2 ** 48 - 2 });
const bytes = fc.uint8Array({ minLength: 1, maxLength: 100 });

it("a hash fits 52 bits, depends on all of its bytes and on nothing around them", () => {
  fc.assert(
    fc.property(bytes, seed, fc.nat(), (series, before, at) => {
      const hash = hashOf(series, 0, series.length, before);
      expect(Number.isInteger(hash) && hash >= 0 && hash < 2 ** 52).toBe(true);
      expect(hashOf(Uint8Array.of(7, ...series, 7), 1, series.length + 1, before)).toBe(hash);
      const changed = Uint8Array.from(series);
      changed[at % series.length]! ^= 0x40;
      expect(hashOf(changed, 0, changed.length, before)).not.toBe(hash);
    }),
  );
});

it("another seed makes other hashes", () => {
  fc.assert(
    fc.property(bytes, seed, seed, (series, one, other) => {
      fc.pre(one !== other);
      expect(hashOf(series, 0, series.length, one)).not.toBe(hashOf(series, 0, series.length, other));
    }),
  );
});
