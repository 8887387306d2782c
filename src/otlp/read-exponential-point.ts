/** Reads an `ExponentialHistogramDataPoint` into the cursor of a walk; buckets stay ranges. */
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
import { afterExemplar } from "./check-exemplar.ts";
import { hasCount, readPositiveBuckets } from "./read-exponential-buckets.ts";
import { after8, clearCommon, finishAttributes, takeAttribute, type WalkState } from "./walk-state.ts";

const KNOWN_FIELDS = 0b111_1111_1111_1110;

/** Reads the message from `start` to `end`. Throws `MalformedMessage`. */
export function readExponentialPoint(state: WalkState, start: number, end: number): void {
  const { body, view, point } = state;
  clearExponential(state);
  let positiveStart = 0;
  let positiveEnd = 0;
  let positivePieces = 0;
  for (let position = start; position < end;) {
    const fieldStart = position;
    let tag = body[position]!;
    let valueStart = position + 1;
    if (tag >= 0x80) {
      tag = tagAt(body, position, end);
      valueStart = afterVarint(body, position, end);
    }
    switch (tag) {
      case 0x0a: // attributes
        position = takeAttribute(state, fieldStart, valueStart, end);
        break;
      case 0x11: // start_time_unix_nano
        position = after8(valueStart, end);
        point.startLow = view.getUint32(valueStart, true);
        point.startHigh = view.getUint32(valueStart + 4, true);
        break;
      case 0x19: // time_unix_nano
        position = after8(valueStart, end);
        point.timeLow = view.getUint32(valueStart, true);
        point.timeHigh = view.getUint32(valueStart + 4, true);
        break;
      case 0x21: // count
        position = after8(valueStart, end);
        point.countLow = view.getUint32(valueStart, true);
        point.countHigh = view.getUint32(valueStart + 4, true);
        break;
      case 0x29: // sum
        position = after8(valueStart, end);
        point.hasSum = true;
        point.sum = view.getFloat64(valueStart, true);
        break;
      case 0x30: // scale
        position = afterVarint(body, valueStart, end);
        point.scale = zigzag32(varintLow(body, valueStart));
        break;
      case 0x39: // zero_count
        position = after8(valueStart, end);
        point.zeroCountLow = view.getUint32(valueStart, true);
        point.zeroCountHigh = view.getUint32(valueStart + 4, true);
        break;
      case 0x42: // positive
        positiveStart = payloadStart(body, valueStart, end);
        position = payloadEnd(body, valueStart, positiveStart, end);
        positiveEnd = position;
        positivePieces += 1;
        break;
      case 0x4a: {
        // negative
        const negativeStart = payloadStart(body, valueStart, end);
        position = payloadEnd(body, valueStart, negativeStart, end);
        if (hasCount(body, negativeStart, position)) point.hasNegative = true;
        break;
      }
      case 0x50: // flags
        position = afterVarint(body, valueStart, end);
        point.flags = varintLow(body, valueStart);
        break;
      case 0x5a: // exemplars
        position = afterExemplar(body, valueStart, end, state.pointDepthLeft - 1);
        break;
      case 0x61: // min
      case 0x69: // max
        position = after8(valueStart, end);
        break;
      case 0x71: // zero_threshold
        position = after8(valueStart, end);
        point.zeroThreshold = view.getFloat64(valueStart, true);
        break;
      default:
        position = afterUnknown(body, tag, valueStart, end, KNOWN_FIELDS);
    }
  }
  if (positivePieces === 1) {
    readPositiveBuckets(point, body, positiveStart, positiveEnd);
  } else if (positivePieces > 1) {
    const joined = joinField(body, start, end, 8, false);
    readPositiveBuckets(point, joined, 0, joined.length);
  }
  finishAttributes(state, start, end, 1);
}

function clearExponential(state: WalkState): void {
  const point = state.point;
  clearCommon(state);
  point.countHigh = 0;
  point.countLow = 0;
  point.hasSum = false;
  point.sum = 0;
  point.scale = 0;
  point.zeroCountHigh = 0;
  point.zeroCountLow = 0;
  point.zeroThreshold = 0;
  point.positiveOffset = 0;
  point.positiveStart = 0;
  point.positiveEnd = 0;
  point.hasNegative = false;
  point.bucketsBody = state.body;
}
