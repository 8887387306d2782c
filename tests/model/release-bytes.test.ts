import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { releaseBytes } from "../../src/model/release-bytes.ts";

describe("releasing bytes", () => {
  it("empties an array that owns its memory", () => {
    const bytes = new Uint8Array(100_000);
    releaseBytes(bytes);
    expect([bytes.length, bytes.buffer.detached]).toEqual([0, true]);
  });

  it("empties what was inflated with room for one byte more", () => {
    const inflated = gunzipSync(gzipSync(Buffer.alloc(100_000, 1)), { chunkSize: 100_001 });
    releaseBytes(inflated);
    expect(inflated.length).toBe(0);
  });

  it("leaves arrays alone that share their memory", () => {
    const whole = new Uint8Array(10_000);
    const parts = [whole.subarray(1), whole.subarray(0, 9000), Buffer.from("a small one from the pool")];
    const lengths = parts.map(({ length }) => length);
    for (const part of parts) releaseBytes(part);
    expect(parts.map(({ length }) => length)).toEqual(lengths);
    expect(whole.length).toBe(10_000);
  });

  it("can be done twice", () => {
    const bytes = new Uint8Array(10);
    releaseBytes(bytes);
    releaseBytes(bytes);
    expect(bytes.length).toBe(0);
  });
});
