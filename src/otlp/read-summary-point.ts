/** Reads a `SummaryDataPoint` into the cursor of a walk: count and sum; quantiles cannot be merged and are only checked. */
import { afterUnknown, afterVarint, tagAt, varintLow } from "../model/protobuf-wire.ts";
import { afterQuantile } from "./check-exemplar.ts";
import { after8, clearPoint, finishAttributes, takeAttribute, type WalkState } from "./walk-state.ts";

const KNOWN_FIELDS = 0b1_1111_1100;

/** Reads the message from `start` to `end`. Throws `MalformedMessage`. */
export function readSummaryPoint(state: WalkState, start: number, end: number): void {
  const { body, view, point } = state;
  clearPoint(state);
  for (let position = start; position < end;) {
    const fieldStart = position;
    const tag = tagAt(body, position, end);
    const valueStart = afterVarint(body, position, end);
    switch (tag) {
      case 0x3a: // attributes
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
      case 0x32: // quantile_values
        position = afterQuantile(body, valueStart, end);
        break;
      case 0x40: // flags
        position = afterVarint(body, valueStart, end);
        point.flags = varintLow(body, valueStart);
        break;
      default:
        position = afterUnknown(body, tag, valueStart, end, KNOWN_FIELDS);
    }
  }
  finishAttributes(state, start, end, 7);
}
