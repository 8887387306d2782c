/** The corpus: bodies whose compression is the attack. */
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import type { CaseTimes, HostileBody } from "./hostile-body.ts";
import { point, requestOf, sumMetric } from "./wire.ts";

const BOMB_BYTES = 128 * 1024 * 1024;

const good = ({ start, time }: CaseTimes): Buffer => requestOf(sumMetric([point(start, time, 1n)]));
const packed = (times: CaseTimes): Buffer => gzipSync(good(times));

/** A window larger than RFC 8878 asks decoders to support. */
function wideWindow(): Buffer {
  const params = { [constants.ZSTD_c_windowLog]: 27, [constants.ZSTD_c_enableLongDistanceMatching]: 1 };
  return zstdCompressSync(Buffer.alloc(2 ** 24, "abcdefgh"), { params });
}

function encoded(
  encoding: string,
  name: string,
  body: HostileBody["body"],
  answers: readonly number[],
  adds?: HostileBody["adds"],
): HostileBody {
  return { name: `${encoding}: ${name}`, encoding, body, answers, ...(adds ? { adds } : {}) };
}

/** Cases by how they are compressed. */
export const COMPRESSED_BODIES: readonly HostileBody[] = [
  encoded("gzip", "a bomb", () => gzipSync(Buffer.alloc(BOMB_BYTES)), [413]),
  encoded("zstd", "a bomb", () => zstdCompressSync(Buffer.alloc(BOMB_BYTES)), [413]),
  encoded(
    "gzip",
    "a bomb whose last bytes say that it is small",
    () => {
      const bomb = gzipSync(Buffer.alloc(BOMB_BYTES));
      bomb.writeUInt32LE(10, bomb.length - 4);
      return bomb;
    },
    [400, 413],
  ),
  encoded(
    "gzip",
    "a small body whose last bytes say that it is vast",
    (times) => {
      const body = packed(times);
      body.writeUInt32LE(0xffff_ffff, body.length - 4);
      return body;
    },
    [400],
  ),
  encoded("gzip", "packed twice", (times) => gzipSync(packed(times)), [400]),
  encoded("gzip", "cut off", (times) => packed(times).subarray(0, -9), [400]),
  encoded(
    "gzip",
    "a wrong checksum",
    (times) => packed(times).fill(0, packed(times).length - 8, packed(times).length - 4),
    [400],
  ),
  encoded("gzip", "nothing", () => "", [200, 400]),
  encoded("gzip", "not packed", (times) => good(times), [400]),
  encoded("gzip", "two members", (times) => Buffer.concat([packed(times), gzipSync("")]), [200], { wire_bytes_in: 1n }),
  encoded("zstd", "cut off", (times) => zstdCompressSync(good(times)).subarray(0, -3), [400]),
  encoded("zstd", "not packed", (times) => good(times), [400]),
  encoded("zstd", "a window of 128 MiB", wideWindow, [400, 413]),
  encoded(
    "zstd",
    "a thousand empty frames",
    () => Buffer.concat(Array.from({ length: 1000 }, () => zstdCompressSync(""))),
    [400],
  ),
  encoded(
    "zstd",
    "two frames",
    (times) => Buffer.concat([zstdCompressSync(good(times)), zstdCompressSync("")]),
    [200],
    {
      wire_bytes_in: 1n,
    },
  ),
  encoded("identity", "more than the limit", () => Buffer.alloc(21 * 1024 * 1024), [413]),
];
