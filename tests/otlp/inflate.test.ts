import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";

import { inflate } from "../../src/otlp/inflate.ts";
import { createOpenBody } from "../../src/otlp/open-body.ts";

const MEBIBYTE = 1024 * 1024;

async function outcome(
  body: Uint8Array,
  encoding: "identity" | "gzip" | "zstd",
  max: number = MEBIBYTE,
): Promise<unknown> {
  const result = await inflate(body, encoding, max);
  return result.kind === "success" ? Buffer.from(result.value) : `${result.kind} ${result.code}`;
}

/** Bytes that do not compress, so that the body is large enough to be inflated in a thread. */
function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let index = 0, seed = 1; index < length; index += 1) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    bytes[index] = seed >>> 16;
  }
  return bytes;
}

describe.each([
  ["gzip", gzipSync],
  ["zstd", zstdCompressSync],
] as const)("inflating %s", (encoding, compress) => {
  test.each([0, 1, 1000, 200_000])("gives back %i bytes", async (length) => {
    const body = noise(length);
    expect(await outcome(compress(body), encoding)).toEqual(body);
  });

  test("gives back what compresses well, and with a checksum", async () => {
    for (const length of [1, 300, 3_000_000]) {
      const params = encoding === "zstd" ? { [constants.ZSTD_c_checksumFlag]: 1 } : {};
      const body = Buffer.alloc(length, "otlp ");
      expect(await outcome(compress(body, { params }), encoding, length)).toEqual(body);
    }
  });

  test("gives back several members or frames joined", async () => {
    const parts = [noise(10), noise(100_000), Buffer.from("end")];
    const body = Buffer.concat(parts.map((part) => compress(part)));
    expect(await outcome(body, encoding)).toEqual(Buffer.concat(parts));
  });

  test.each([1000, 200_000])(
    "takes a body of exactly the limit and refuses one byte more, %i bytes",
    async (length) => {
      const body = compress(noise(length));
      expect(await outcome(body, encoding, length)).toEqual(noise(length));
      expect(await outcome(body, encoding, length - 1)).toBe("failure too_large");
    },
  );

  test("applies the limit to all members or frames together", async () => {
    const body = Buffer.concat([compress(noise(600)), compress(noise(600))]);
    expect(await outcome(body, encoding, 1199)).toBe("failure too_large");
    expect(await outcome(body, encoding, 1200)).toEqual(Buffer.concat([noise(600), noise(600)]));
  });

  test("answers invalid to a body that is cut off, wherever", async () => {
    const body = compress(noise(300));
    for (let length = 0; length < body.length; length += 1) {
      expect(await outcome(body.subarray(0, length), encoding)).toBe("failure invalid");
    }
  });

  test("answers invalid to what is not of that encoding", async () => {
    expect(await outcome(noise(50), encoding)).toBe("failure invalid");
    expect(await outcome(noise(100_000), encoding)).toBe("failure invalid");
  });

  test("answers invalid to bytes behind the end", async () => {
    expect(await outcome(Buffer.concat([compress(noise(50)), noise(50)]), encoding)).toBe("failure invalid");
  });
});

describe("a bomb", () => {
  test("of 1 GiB of zeros in gzip is refused, and what it takes of memory is about the limit", async () => {
    const bomb = gzipOfZeros(1024);
    expect(bomb.length).toBeLessThan(1.1 * MEBIBYTE);
    const before = process.memoryUsage.rss();
    let highest = before;
    const watch = setInterval(() => (highest = Math.max(highest, process.memoryUsage.rss())), 1);
    expect(await outcome(bomb, "gzip", 8 * MEBIBYTE)).toBe("failure too_large");
    clearInterval(watch);
    highest = Math.max(highest, process.memoryUsage.rss());
    expect(highest - before).toBeLessThan(128 * MEBIBYTE);
  }, 30_000);

  test("in zstd is refused", async () => {
    expect(await outcome(zstdCompressSync(Buffer.alloc(64 * MEBIBYTE)), "zstd", MEBIBYTE)).toBe("failure too_large");
  });

  test("that lies about its size costs no memory for it", async () => {
    const body = gzipSync("small");
    body.writeUInt32LE(0xffff_fff0, body.length - 4);
    expect(await outcome(body, "gzip")).toBe("failure invalid");
  });

  test("that claims a skippable zstd frame longer than itself is refused", async () => {
    const frame = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 0xff, 0xff, 0xff, 0xff]);
    expect(await outcome(frame, "zstd")).toBe("failure invalid");
  });

  test("of very many empty zstd frames is refused", async () => {
    const frame = zstdCompressSync(Buffer.alloc(0));
    expect(await outcome(Buffer.concat(Array.from({ length: 1000 }, () => frame)), "zstd")).toBe("failure invalid");
  });
});

/** In members of 64 MiB, so that only one of them must be made. */
function gzipOfZeros(mebibytes: number): Buffer {
  const member = gzipSync(Buffer.alloc(64 * MEBIBYTE));
  return Buffer.concat(Array.from({ length: mebibytes / 64 }, () => member));
}

describe("identity", () => {
  test("is passed on as it is, up to the limit", async () => {
    expect(await outcome(noise(10), "identity", 10)).toEqual(noise(10));
    expect(await outcome(noise(11), "identity", 10)).toBe("failure too_large");
  });
});

describe("openBody", () => {
  test("makes protobuf of both content types, inflated", async () => {
    const openBody = createOpenBody();
    const json = Buffer.from('{"resourceMetrics":[{"schemaUrl":"a"}]}');
    const protobuf = Buffer.of(0x0a, 0x03, 0x1a, 0x01, 0x61);
    for (const [body, contentType] of [
      [json, "json"],
      [protobuf, "protobuf"],
    ] as const) {
      const opened = await openBody(gzipSync(body), contentType, "gzip");
      expect(opened.kind === "success" && Buffer.from(opened.value)).toEqual(protobuf);
    }
    expect(await openBody(json.subarray(1), "json", "identity")).toMatchObject({ kind: "failure", code: "invalid" });
  });

  test("opens every one of many large bodies, whether good or not", async () => {
    const openBody = createOpenBody({ maxInflatedBytes: MEBIBYTE, maxConcurrent: 2 });
    const bodies = Array.from({ length: 12 }, (_, index) =>
      index % 3 === 0 ? noise(100_000) : gzipSync(noise(100_000)),
    );
    const kinds = (await Promise.all(bodies.map((body) => openBody(body, "protobuf", "gzip")))).map(({ kind }) => kind);
    expect(kinds).toEqual(bodies.map((_, index) => (index % 3 === 0 ? "failure" : "success")));
  });
});
