import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteSequence } from "../../src/aggregate/byte-sequence.ts";

/** Some bytes with others before and behind them. */
const part = fc.tuple(
  fc.uint8Array({ maxLength: 7 }),
  fc.uint8Array({ maxLength: 40 }),
  fc.uint8Array({ maxLength: 7 }),
);

describe("a byte sequence", () => {
  it("holds the bytes of its range and finds them again wherever they stand", () => {
    fc.assert(
      fc.property(part, part, ([before, bytes, behind], [otherBefore, , otherBehind]) => {
        const body = Buffer.concat([before, bytes, behind]);
        const end = before.length + bytes.length;
        const sequence = new ByteSequence(body, before.length, end);
        expect(sequence.length).toBe(bytes.length);
        expect([...sequence.bytes()]).toEqual([...bytes]);
        const other = Buffer.concat([otherBefore, bytes, otherBehind]);
        const [from, to] = [otherBefore.length, otherBefore.length + bytes.length];
        expect(sequence.equals(other, from, to)).toBe(true);
        expect(ByteSequence.hash(other, from, to)).toBe(ByteSequence.hash(body, before.length, end));
      }),
    );
  });

  it("is not that of other bytes", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 40 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (bytes, at, by) => {
          const changed = Uint8Array.from(bytes);
          changed[at % bytes.length]! ^= by;
          const sequence = new ByteSequence(bytes, 0, bytes.length);
          expect(sequence.equals(changed, 0, changed.length)).toBe(false);
          expect(sequence.equals(bytes, 0, bytes.length - 1)).toBe(false);
        },
      ),
    );
  });
});
