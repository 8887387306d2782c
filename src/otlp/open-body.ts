/** Makes the one form that the decoder reads of a body as it came: inflated, and protobuf. */
import type { BodyContentType, BodyEncoding } from "../model/ingest-log.ts";
import type { OpenBody } from "../model/metrics-walk.ts";
import type { Result } from "../model/result.ts";
import { Turns } from "../model/turns.ts";
import { inflate } from "./inflate.ts";
import { jsonToProtobuf } from "./json-to-protobuf.ts";

/** Settings of {@link createOpenBody}. */
export interface OpenBodyOptions {
  /** Bytes of an inflated body. OTLP recommends 64 MiB. */
  readonly maxInflatedBytes: number;
  /** Large bodies that are opened at the same time; the others wait, so that they are not all in memory. */
  readonly maxConcurrent: number;
}

/** OTLP recommends 64 MiB; JSON takes a multiple of its size while it is mapped, hence few at a time. */
export const DEFAULT_OPEN_BODY_OPTIONS: OpenBodyOptions = { maxInflatedBytes: 64 * 1024 * 1024, maxConcurrent: 4 };

/** Bodies up to this size do not wait for others. */
const SMALL_BODY_BYTES = 64 * 1024;

/** Builds the function that opens bodies. Its failures are those of `inflate` and `jsonToProtobuf`. */
export function createOpenBody(options: OpenBodyOptions = DEFAULT_OPEN_BODY_OPTIONS): OpenBody {
  const turns = new Turns(options.maxConcurrent);
  return async (body, contentType, encoding) => {
    if (encoding === "identity" || body.length <= SMALL_BODY_BYTES) return open(body, contentType, encoding, options);
    // How many wait is bounded by what the servers hold in flight.
    return await turns.take(() => open(body, contentType, encoding, options));
  };
}

async function open(
  body: Uint8Array,
  contentType: BodyContentType,
  encoding: BodyEncoding,
  options: OpenBodyOptions,
): Promise<Result<Uint8Array>> {
  const inflated = await inflate(body, encoding, options.maxInflatedBytes);
  return inflated.kind === "success" && contentType === "json" ? jsonToProtobuf(inflated.value) : inflated;
}
