/**
 * The buckets of a histogram point, read out of the ranges that the cursor holds: checked without allocating for every
 * point, copied only for points that are stored.
 */
import { viewOf } from "./data-view.ts";
import type { MetricHeader } from "./metric-visitor.ts";
import type { PointCursor } from "./point-cursor.ts";
import { afterVarint, varintHigh, varintLow } from "./protobuf-wire.ts";
import { pairToNumber } from "./uint64.ts";

/** Buckets of one point; more is a fault, so that a few bytes cannot become large arrays. */
export const MAX_BUCKETS = 2048;

/** Scales outside of this range cannot be told apart by doubles (OpenTelemetry metrics data model: -10 to 20). */
const MIN_SCALE = -10;
const MAX_SCALE = 20;

/** Bucket indices beyond this lie outside of what doubles can hold at the highest scale. */
const MAX_INDEX = 2 ** 31;

/** The buckets of a point. `none`: a histogram of count, sum, min and max only. */
export type PointBuckets =
  | { readonly kind: "none" }
  | {
      readonly kind: "explicit";
      /** The bounds as they came, packed doubles: a view that is valid only during the visit. */
      readonly boundsWire: Uint8Array;
      /** Reads the bounds. */
      readonly bounds: () => Float64Array;
      /** One more than bounds. */
      readonly counts: Float64Array;
    }
  | {
      readonly kind: "exponential";
      readonly scale: number;
      readonly zeroCount: number;
      /** The index of the first of `counts`. */
      readonly offset: number;
      readonly counts: Float64Array;
    };

const NONE: PointBuckets = { kind: "none" };

/**
 * Why the buckets of a histogram point cannot be counted, in words for its sender; `undefined` when they can. Unless
 * buckets are kept nothing is checked. Allocates nothing when there is no fault.
 */
export function checkedBuckets(header: MetricHeader, point: PointCursor, keepsBuckets: boolean): string | undefined {
  if (!keepsBuckets) return undefined;
  return header.kind === "exponential_histogram" ? exponentialFault(point) : explicitFault(point);
}

/** The buckets of a point that {@link checkedBuckets} found no fault with, copied. */
export function readBuckets(header: MetricHeader, point: PointCursor): PointBuckets {
  return header.kind === "exponential_histogram" ? readExponential(point) : readExplicit(point);
}

function explicitFault(point: PointCursor): string | undefined {
  const countBytes = point.bucketCountsEnd - point.bucketCountsStart;
  const boundBytes = point.boundsEnd - point.boundsStart;
  if (countBytes === 0 && boundBytes === 0) return undefined;
  if (countBytes > MAX_BUCKETS * 8) return `a point has more than ${MAX_BUCKETS} buckets`;
  if (countBytes !== boundBytes + 8) return "a point does not have one bucket more than bounds";
  return boundsFault(point) ?? explicitSumFault(point);
}

function boundsFault(point: PointCursor): string | undefined {
  const view = viewOf(point.boundsBody);
  let before = Number.NEGATIVE_INFINITY;
  for (let position = point.boundsStart; position < point.boundsEnd; position += 8) {
    const bound = view.getFloat64(position, true);
    // Written so that NaN is a fault, too; -Infinity as the first bound has nothing below it.
    if (!(bound > before)) return "a point has bounds that do not rise";
    before = bound;
  }
  return undefined;
}

function explicitSumFault(point: PointCursor): string | undefined {
  const view = viewOf(point.bucketsBody);
  let high = 0;
  let low = 0;
  for (let position = point.bucketCountsStart; position < point.bucketCountsEnd; position += 8) {
    low += view.getUint32(position, true);
    high += view.getUint32(position + 4, true);
  }
  return totalFault(point, pairToNumber(high, low));
}

function exponentialFault(point: PointCursor): string | undefined {
  if (point.scale < MIN_SCALE || point.scale > MAX_SCALE) return `a point has scale ${point.scale}`;
  if (point.hasNegative) return "a point has negative buckets";
  const bytes = point.bucketsBody;
  let buckets = 0;
  let sum = pairToNumber(point.zeroCountHigh, point.zeroCountLow);
  for (let position = point.positiveStart; position < point.positiveEnd; buckets += 1) {
    const byte = bytes[position]!;
    sum += byte < 0x80 ? byte : varintNumber(bytes, position);
    position = byte < 0x80 ? position + 1 : afterVarint(bytes, position, point.positiveEnd);
  }
  if (buckets > MAX_BUCKETS) return `a point has more than ${MAX_BUCKETS} buckets`;
  if (Math.abs(point.positiveOffset) + buckets > MAX_INDEX) return "a point has buckets out of range";
  return totalFault(point, sum);
}

/** The count is below 2^53 by then, so a sum that was rounded cannot equal it. */
function totalFault(point: PointCursor, sum: number): string | undefined {
  return sum === pairToNumber(point.countHigh, point.countLow)
    ? undefined
    : "the buckets of a point do not add up to its count";
}

/**
 * Reads the explicit counts of a point that {@link checkedBuckets} found no fault with into `counts`, from its start, and
 * returns how many there are; 0 when the point has no buckets.
 */
export function readExplicitCounts(point: PointCursor, counts: Float64Array): number {
  const { bucketsBody, bucketCountsStart, bucketCountsEnd } = point;
  const length = (bucketCountsEnd - bucketCountsStart) / 8;
  for (let place = 0, position = bucketCountsStart; place < length; place += 1, position += 8) {
    const high = uint32At(bucketsBody, position + 4);
    const low = uint32At(bucketsBody, position);
    counts[place] = high === 0 ? low : pairToNumber(high, low);
  }
  return length;
}

function uint32At(bytes: Uint8Array, position: number): number {
  const low = bytes[position]! | (bytes[position + 1]! << 8) | (bytes[position + 2]! << 16);
  return (low | (bytes[position + 3]! << 24)) >>> 0;
}

function readExplicit(point: PointCursor): PointBuckets {
  if (point.bucketCountsEnd === point.bucketCountsStart) return NONE;
  const { bucketsBody, bucketCountsStart, bucketCountsEnd, boundsBody, boundsStart, boundsEnd } = point;
  const view = new DataView(bucketsBody.buffer, bucketsBody.byteOffset, bucketsBody.byteLength);
  const counts = new Float64Array((bucketCountsEnd - bucketCountsStart) / 8);
  for (let place = 0, position = bucketCountsStart; place < counts.length; place += 1, position += 8) {
    counts[place] = pairToNumber(view.getUint32(position + 4, true), view.getUint32(position, true));
  }
  const boundsWire = boundsBody.subarray(boundsStart, boundsEnd);
  return { kind: "explicit", boundsWire, bounds: () => doublesOf(boundsWire), counts };
}

function doublesOf(bytes: Uint8Array): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = new Float64Array(bytes.length / 8);
  for (let place = 0; place < values.length; place += 1) values[place] = view.getFloat64(place * 8, true);
  return values;
}

function readExponential(point: PointCursor): PointBuckets {
  const bytes = point.bucketsBody;
  const counts: number[] = [];
  for (let position = point.positiveStart; position < point.positiveEnd;) {
    counts.push(varintNumber(bytes, position));
    position = afterVarint(bytes, position, point.positiveEnd);
  }
  const zeroCount = pairToNumber(point.zeroCountHigh, point.zeroCountLow);
  return {
    kind: "exponential",
    scale: point.scale,
    zeroCount,
    offset: point.positiveOffset,
    counts: Float64Array.from(counts),
  };
}

function varintNumber(bytes: Uint8Array, position: number): number {
  return pairToNumber(varintHigh(bytes, position), varintLow(bytes, position));
}
