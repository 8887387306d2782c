/** Checks exemplars: they are already inside their point's sum and are not read, but must be well formed. */
import { afterUnknown, afterVarint, malformed, payloadEnd, payloadStart, tagAt } from "../model/protobuf-wire.ts";
import { afterKeyValue } from "./check-attributes.ts";

const EXEMPLAR_FIELDS = 0b1111_1100;
const QUANTILE_FIELDS = 0b110;

/**
 * The position after the `Exemplar` whose length is at `lengthStart`. `depthLeft` is how many levels may still be inside
 * it. Throws `MalformedMessage`.
 */
export function afterExemplar(body: Uint8Array, lengthStart: number, end: number, depthLeft: number): number {
  const start = payloadStart(body, lengthStart, end);
  const after = payloadEnd(body, lengthStart, start, end);
  if (depthLeft < 0) malformed("messages are nested too deep", start);
  for (let position = start; position < after;) {
    const tag = tagAt(body, position, after);
    const valueStart = afterVarint(body, position, after);
    switch (tag) {
      case 0x11: // time_unix_nano
      case 0x19: // as_double
      case 0x31: // as_int
        position = valueStart + 8;
        if (position > after) malformed("a value is cut off", valueStart);
        break;
      case 0x22: // span_id
      case 0x2a: // trace_id
        position = payloadEnd(body, valueStart, payloadStart(body, valueStart, after), after);
        break;
      case 0x3a: // filtered_attributes
        position = afterKeyValue(body, valueStart, after, depthLeft - 1);
        break;
      default:
        position = afterUnknown(body, tag, valueStart, after, EXEMPLAR_FIELDS);
    }
  }
  return after;
}

/** The position after the `ValueAtQuantile` of a summary whose length is at `lengthStart`. Throws `MalformedMessage`. */
export function afterQuantile(body: Uint8Array, lengthStart: number, end: number): number {
  const start = payloadStart(body, lengthStart, end);
  const after = payloadEnd(body, lengthStart, start, end);
  for (let position = start; position < after;) {
    const tag = tagAt(body, position, after);
    const valueStart = afterVarint(body, position, after);
    if (tag === 0x09 || tag === 0x11) {
      position = valueStart + 8;
      if (position > after) malformed("a value is cut off", valueStart);
    } else {
      position = afterUnknown(body, tag, valueStart, after, QUANTILE_FIELDS);
    }
  }
  return after;
}
