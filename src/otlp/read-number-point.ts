/** Reads a `NumberDataPoint` (the points of sums and gauges) into the cursor of a walk. */
import { afterUnknown, afterVarint, tagAt, varintLow } from "../model/protobuf-wire.ts";
import { afterExemplar } from "./check-exemplar.ts";
import { after8, clearCommon, finishAttributes, takeAttribute, type WalkState } from "./walk-state.ts";

const KNOWN_FIELDS = 0b1_1111_1100;

/** Reads the message from `start` to `end`. Throws `MalformedMessage`. */
export function readNumberPoint(state: WalkState, start: number, end: number): void {
  const { body, view, point } = state;
  clearCommon(state);
  point.valueKind = "none";
  point.intHigh = 0;
  point.intLow = 0;
  point.double = 0;
  for (let position = start; position < end;) {
    const fieldStart = position;
    let tag = body[position]!;
    let valueStart = position + 1;
    if (tag >= 0x80) {
      tag = tagAt(body, position, end);
      valueStart = afterVarint(body, position, end);
    }
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
      case 0x21: // as_double
        position = after8(valueStart, end);
        point.valueKind = "double";
        point.double = view.getFloat64(valueStart, true);
        point.intLow = 0;
        point.intHigh = 0;
        break;
      case 0x31: // as_int
        position = after8(valueStart, end);
        point.valueKind = "int";
        point.intLow = view.getUint32(valueStart, true);
        point.intHigh = view.getInt32(valueStart + 4, true);
        point.double = 0;
        break;
      case 0x40: // flags
        position = afterVarint(body, valueStart, end);
        point.flags = varintLow(body, valueStart);
        break;
      case 0x2a: // exemplars
        position = afterExemplar(body, valueStart, end, state.pointDepthLeft - 1);
        break;
      default:
        position = afterUnknown(body, tag, valueStart, end, KNOWN_FIELDS);
    }
  }
  finishAttributes(state, start, end, 7);
}
