/** Reads `ExponentialHistogramDataPoint.Buckets`: `offset` = 1 (sint32), `bucket_counts` = 2 (uint64, packed or not). */
import type { PointCursor } from "../model/point-cursor.ts";
import {
  afterUnknown,
  afterVarint,
  joinField,
  payloadEnd,
  payloadStart,
  tagAt,
  varintLow,
  zigzag32,
} from "../model/protobuf-wire.ts";

const KNOWN_FIELDS = 0b110;

/** Sets the positive range of `point` to the message from `start` to `end` of `bytes`. Throws `MalformedMessage`. */
export function readPositiveBuckets(point: PointCursor, bytes: Uint8Array, start: number, end: number): void {
  let pieces = 0;
  point.bucketsBody = bytes;
  for (let position = start; position < end;) {
    const tag = tagAt(bytes, position, end);
    const valueStart = afterVarint(bytes, position, end);
    if (tag === 0x08) {
      position = afterVarint(bytes, valueStart, end);
      point.positiveOffset = zigzag32(varintLow(bytes, valueStart));
    } else if (tag === 0x12) {
      point.positiveStart = payloadStart(bytes, valueStart, end);
      position = payloadEnd(bytes, valueStart, point.positiveStart, end);
      point.positiveEnd = position;
      checkPackedVarints(bytes, point.positiveStart, position);
      pieces += 1;
    } else if (tag === 0x10) {
      position = afterVarint(bytes, valueStart, end);
      pieces += 2;
    } else {
      position = afterUnknown(bytes, tag, valueStart, end, KNOWN_FIELDS);
    }
  }
  if (pieces > 1) {
    point.bucketsBody = joinField(bytes, start, end, 2, false);
    point.positiveStart = 0;
    point.positiveEnd = point.bucketsBody.length;
  }
}

/** Whether any bucket of the message is not zero. Throws `MalformedMessage`. */
export function hasCount(bytes: Uint8Array, start: number, end: number): boolean {
  let found = false;
  for (let position = start; position < end;) {
    const tag = tagAt(bytes, position, end);
    const valueStart = afterVarint(bytes, position, end);
    if (tag === 0x08) {
      position = afterVarint(bytes, valueStart, end);
    } else if (tag === 0x12) {
      const countsStart = payloadStart(bytes, valueStart, end);
      position = payloadEnd(bytes, valueStart, countsStart, end);
      checkPackedVarints(bytes, countsStart, position);
      found ||= hasNonZeroVarint(bytes, countsStart, position);
    } else if (tag === 0x10) {
      position = afterVarint(bytes, valueStart, end);
      found ||= hasNonZeroVarint(bytes, valueStart, position);
    } else {
      position = afterUnknown(bytes, tag, valueStart, end, KNOWN_FIELDS);
    }
  }
  return found;
}

function checkPackedVarints(bytes: Uint8Array, start: number, end: number): void {
  for (let position = start; position < end;) {
    position = bytes[position]! < 0x80 ? position + 1 : afterVarint(bytes, position, end);
  }
}

/** A varint is zero when all of its bytes carry no bit but the continuation bit. */
function hasNonZeroVarint(bytes: Uint8Array, start: number, end: number): boolean {
  for (let position = start; position < end; position += 1) {
    if ((bytes[position]! & 0x7f) !== 0) return true;
  }
  return false;
}
