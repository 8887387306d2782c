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
      for (const bytes of chunks) frames.add(bytes);
      if (ended) frames.end(0);
      const sent = wire(chunks, ended);
      expect(frames.framingBytes).toBe(sent.replaceAll("b", "").length);
      const unsent = sent.slice(sent.length - (seed % (sent.length + 1)));
      const body = unsent.replaceAll("f", "").length;
      expect(unsent === "" ? 0 : frames.unsentBodyBytes(unsent.length)).toBe(body);
    }),
  );
});

test("stays small over many chunks of different sizes and still knows the newest", () => {
  const frames = new ChunkFrames();
  for (let size = 1; size <= 100_000; size += 1) frames.add(size);
  const lastFrame = 100_000 + (100_000).toString(16).length + 4;
  expect(frames.unsentBodyBytes(lastFrame)).toBe(100_000);
});
