/**
 * Inflates bodies. What comes out is bounded while it comes out, so a small body cannot become a large one in memory.
 */
import { promisify } from "node:util";
import {
  constants,
  gunzip,
  gunzipSync,
  type InputType,
  zstdDecompress,
  zstdDecompressSync,
  type ZstdOptions,
} from "node:zlib";

import type { BodyEncoding } from "../model/ingest-log.ts";
import { failure, messageOf, type Result, success } from "../model/result.ts";
import { frameEnd } from "./zstd-frames.ts";

/** Bodies up to this size are inflated at once: a thread costs more than it saves below it. */
const MAX_SYNC_BYTES = 64 * 1024;

/** What the size at the end of a gzip body may make us allocate: a wrong one must not cost memory. */
const MAX_HINT_BYTES = 8 * 1024 * 1024;
const MAX_HINT_RATIO = 64;
const MIN_CHUNK_BYTES = 1024;

/** The window that RFC 8878 asks decoders to support: 8 MiB. */
const ZSTD_WINDOW_LOG_MAX = 23;

/** Zstandard frames in one body; Node inflates one a call. */
const MAX_ZSTD_FRAMES = 64;

const gunzipInThread = promisify(gunzip) as (body: InputType, options: object) => Promise<Uint8Array>;
const zstdInThread = promisify(zstdDecompress) as (body: InputType, options: ZstdOptions) => Promise<Uint8Array>;

/**
 * The body without its content encoding. Failure `too_large` when it has more than `maxInflatedBytes` then, `invalid`
 * when it is not of that encoding or is cut off.
 */
export async function inflate(
  body: Uint8Array,
  encoding: BodyEncoding,
  maxInflatedBytes: number,
): Promise<Result<Uint8Array>> {
  if (encoding === "identity") return body.length > maxInflatedBytes ? tooLarge(maxInflatedBytes) : success(body);
  try {
    return success(
      encoding === "gzip" ? await inflateGzip(body, maxInflatedBytes) : await inflateZstd(body, maxInflatedBytes),
    );
  } catch (error) {
    if (error instanceof RangeError || codeOf(error) === "ERR_BUFFER_TOO_LARGE") return tooLarge(maxInflatedBytes);
    return failure("invalid", `the body is not ${encoding}: ${messageOf(error)}`);
  }
}

function tooLarge(maxInflatedBytes: number): Result<never> {
  return failure("too_large", `the inflated body is larger than ${maxInflatedBytes} bytes`);
}

function codeOf(error: unknown): unknown {
  return typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
}

async function inflateGzip(body: Uint8Array, maxInflatedBytes: number): Promise<Uint8Array> {
  const options = { maxOutputLength: maxInflatedBytes, chunkSize: chunkBytes(body, maxInflatedBytes) };
  return body.length <= MAX_SYNC_BYTES ? gunzipSync(body, options) : gunzipInThread(body, options);
}

/** Room for the whole result, as far as the size at the end of the body is credible. */
function chunkBytes(body: Uint8Array, maxInflatedBytes: number): number {
  if (body.length < 4) return MIN_CHUNK_BYTES;
  const view = new DataView(body.buffer, body.byteOffset + body.length - 4, 4);
  // One byte more, or zlib asks for another chunk to find that nothing is left.
  const hint = view.getUint32(0, true) + 1;
  return Math.max(MIN_CHUNK_BYTES, Math.min(hint, MAX_HINT_BYTES, body.length * MAX_HINT_RATIO, maxInflatedBytes + 1));
}

async function inflateZstd(body: Uint8Array, maxInflatedBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let left = maxInflatedBytes;
  for (let start = 0, frames = 1; frames === 1 || start < body.length; frames += 1) {
    if (frames > MAX_ZSTD_FRAMES) throw new Error(`more than ${MAX_ZSTD_FRAMES} frames`);
    const end = frameEnd(body, start);
    const part = await inflateFrame(body.subarray(start, end), left);
    parts.push(part);
    left -= part.length;
    start = end;
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

async function inflateFrame(frame: Uint8Array, maxOutputLength: number): Promise<Uint8Array> {
  const options: ZstdOptions = {
    // Node takes no limit of zero.
    maxOutputLength: Math.max(1, maxOutputLength),
    params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX },
  };
  const inflated =
    frame.length <= MAX_SYNC_BYTES ? zstdDecompressSync(frame, options) : await zstdInThread(frame, options);
  if (inflated.length > maxOutputLength) throw new RangeError("too large");
  return inflated;
}
