import { array, assert, boolean, constantFrom, integer, nat, oneof, property } from "fast-check";
import { expect, test } from "vitest";
import { ChunkFrames } from "../../src/http/chunk-frames.ts";

/** The wire, a letter a byte: `b` for body, `f` for framing. */
function wire(chunks: readonly number[], ended: boolean): string {
  const frames = chunks.map((bytes) => `${"f".repeat(bytes.toString(16).length + 2)}${"b".repeat(bytes)}ff`).join("");
  return ended ? `${frames}fffff` : frames;
}

test("tells body from framing wherever the response was cut", () => {
  const chunk = oneof(constantFrom(1, 15, 16, 17, 255, 256), integer({ min: 1, max: 300 }));
  assert(
    property(array(chunk, { maxLength: 30 }), boolean(), nat(), (chunks, ended, seed) => {
      const frames = new ChunkFrames();
      for (const bytes of chunks) frames.add(bytes, () => 0);
      if (ended) frames.end(0);
      const sent = wire(chunks, ended);
      expect(frames.framingBytes).toBe(sent.replaceAll("b", "").length);
      const unsent = sent.slice(sent.length - (seed % (sent.length + 1)));
      const body = unsent.replaceAll("f", "").length;
      expect(unsent === "" ? 0 : frames.unsentBodyBytes(unsent.length)).toBe(body);
    }),
  );
});

test("drops chunks that have left, and still knows those that have not", () => {
  const sizes = Array.from({ length: 10_000 }, (_, index) => 1 + index * 3);
  const wireBytes = sizes.map((size) => size + size.toString(16).length + 4);
  const total = wireBytes.reduce((sum, bytes) => sum + bytes, 0);
  const frames = new ChunkFrames();
  let written = 0;
  for (const [index, size] of sizes.entries()) {
    frames.add(size, () => Math.max(0, written - 5_000_000));
    written += wireBytes[index] ?? 0;
  }
  let unsentBody = 0;
  let unsent = 0;
  for (let index = sizes.length - 1; unsent < 5_000_000; index -= 1) {
    unsent += wireBytes[index] ?? 0;
    unsentBody += sizes[index] ?? 0;
  }
  expect(unsent).toBeLessThan(total);
  expect(frames.unsentBodyBytes(unsent)).toBe(unsentBody);
});

test("stays small when nothing leaves and all chunks differ, and still knows the newest", () => {
  const frames = new ChunkFrames();
  for (let size = 1; size <= 200_000; size += 1) frames.add(size, () => 0);
  const lastFrame = 200_000 + (200_000).toString(16).length + 4;
  expect(frames.unsentBodyBytes(lastFrame)).toBe(200_000);
});
