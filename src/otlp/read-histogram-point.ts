/** Reads a `HistogramDataPoint` (explicit buckets) into the cursor of a walk; buckets stay ranges. */
import {
  afterUnknown,
  afterVarint,
  joinField,
  malformed,
  payloadEnd,
  payloadStart,
  tagAt,
  varintLow,
} from "../model/protobuf-wire.ts";
import { afterExemplar } from "./check-exemplar.ts";
import { after8, clearCommon, finishAttributes, takeAttribute, type WalkState } from "./walk-state.ts";

const KNOWN_FIELDS = 0b1_1111_1111_1100;

/** Reads the message from `start` to `end`. Throws `MalformedMessage`. */
export function readHistogramPoint(state: WalkState, start: number, end: number): void {
  const { body, view, point } = state;
  clearHistogram(state);
  // Repeated numbers may come in several pieces, packed or not: only one packed piece can stay where it is.
  let countPieces = 0;
  let boundPieces = 0;
  for (let position = start; position < end;) {
    const fieldStart = position;
    let tag = body[position]!;
    let valueStart = position + 1;
    if (tag >= 0x80) {
      tag = tagAt(body, position, end);
      valueStart = afterVarint(body, position, end);
    }
    switch (tag) {
      case 0x4a: // attributes
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
      case 0x32: // bucket_counts, packed
        point.bucketCountsStart = payloadStart(body, valueStart, end);
        position = payloadEnd(body, valueStart, point.bucketCountsStart, end);
        point.bucketCountsEnd = position;
        checkPacked8(point.bucketCountsStart, position);
        countPieces += 1;
        break;
      case 0x3a: // explicit_bounds, packed
        point.boundsStart = payloadStart(body, valueStart, end);
        position = payloadEnd(body, valueStart, point.boundsStart, end);
        point.boundsEnd = position;
        checkPacked8(point.boundsStart, position);
        boundPieces += 1;
        break;
      case 0x31: // bucket_counts, one
        position = after8(valueStart, end);
        countPieces += 2;
        break;
      case 0x39: // explicit_bounds, one
        position = after8(valueStart, end);
        boundPieces += 2;
        break;
      case 0x59: // min
      case 0x61: // max
        position = after8(valueStart, end);
        break;
      case 0x50: // flags
        position = afterVarint(body, valueStart, end);
        point.flags = varintLow(body, valueStart);
        break;
      case 0x42: // exemplars
        position = afterExemplar(body, valueStart, end, state.pointDepthLeft - 1);
        break;
      default:
        position = afterUnknown(body, tag, valueStart, end, KNOWN_FIELDS);
    }
  }
  if (countPieces > 1) joinCounts(state, start, end);
  if (boundPieces > 1) joinBounds(state, start, end);
  finishAttributes(state, start, end, 9);
}

function clearHistogram(state: WalkState): void {
  const point = state.point;
  clearCommon(state);
  point.countHigh = 0;
  point.countLow = 0;
  point.hasSum = false;
  point.sum = 0;
  point.bucketCountsStart = 0;
  point.bucketCountsEnd = 0;
  point.boundsStart = 0;
  point.boundsEnd = 0;
  point.bucketsBody = state.body;
  point.boundsBody = state.body;
}

function checkPacked8(start: number, end: number): void {
  if (((end - start) & 7) !== 0) malformed("packed numbers are cut off", start);
}

function joinCounts(state: WalkState, start: number, end: number): void {
  const point = state.point;
  point.bucketsBody = joinField(state.body, start, end, 6, false);
  point.bucketCountsStart = 0;
  point.bucketCountsEnd = point.bucketsBody.length;
}

function joinBounds(state: WalkState, start: number, end: number): void {
  const point = state.point;
  point.boundsBody = joinField(state.body, start, end, 7, false);
  point.boundsStart = 0;
  point.boundsEnd = point.boundsBody.length;
}
