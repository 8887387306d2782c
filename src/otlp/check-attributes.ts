/**
 * Checks the attributes that a walk passes on as ranges, so that whoever reads them later cannot meet a fault: lengths,
 * wire types, nesting, and that keys are UTF-8. Text values may hold any bytes: they come from the traffic itself (a URL,
 * a header), some SDKs send them unchecked, and one such byte must not cost a batch; they are read with replacement
 * characters.
 * opentelemetry.proto.common.v1: KeyValue, AnyValue, ArrayValue, KeyValueList.
 */
import {
  afterUnknown,
  afterVarint,
  malformed,
  MalformedMessage,
  payloadEnd,
  payloadStart,
  tagAt,
} from "../model/protobuf-wire.ts";
import { checkUtf8 } from "./utf8.ts";

const KEY_VALUE_FIELDS = (1 << 1) | (1 << 2);
const ANY_VALUE_FIELDS = 0b1111_1110;
const RESOURCE_FIELDS = (1 << 1) | (1 << 2) | (1 << 3);
const SCOPE_FIELDS = (1 << 1) | (1 << 2) | (1 << 3) | (1 << 4);

/** Checks a `KeyValue` message. `depthLeft` is how many levels may still be inside it. */
export function checkKeyValue(body: Uint8Array, start: number, end: number, depthLeft: number): void {
  if (depthLeft < 0) malformed("messages are nested too deep", start);
  for (let position = start; position < end;) {
    let tag = body[position]!;
    let valueStart = position + 1;
    if (tag >= 0x80) {
      tag = tagAt(body, position, end);
      valueStart = afterVarint(body, position, end);
    }
    if (tag === 0x0a) {
      const keyStart = payloadStart(body, valueStart, end);
      position = payloadEnd(body, valueStart, keyStart, end);
      checkUtf8(body, keyStart, position);
    } else if (tag === 0x12) {
      const anyStart = payloadStart(body, valueStart, end);
      position = payloadEnd(body, valueStart, anyStart, end);
      checkAnyValue(body, anyStart, position, depthLeft - 1);
    } else {
      position = afterUnknown(body, tag, valueStart, end, KEY_VALUE_FIELDS);
    }
  }
}

function checkAnyValue(body: Uint8Array, start: number, end: number, depthLeft: number): void {
  if (depthLeft < 0) malformed("messages are nested too deep", start);
  for (let position = start; position < end;) {
    let tag = body[position]!;
    let valueStart = position + 1;
    if (tag >= 0x80) {
      tag = tagAt(body, position, end);
      valueStart = afterVarint(body, position, end);
    }
    switch (tag) {
      case 0x0a: // string_value
      case 0x3a: // bytes_value
        position = payloadEnd(body, valueStart, payloadStart(body, valueStart, end), end);
        break;
      case 0x10: // bool_value
      case 0x18: // int_value
        position = afterVarint(body, valueStart, end);
        break;
      case 0x21: // double_value
        position = valueStart + 8;
        if (position > end) malformed("a value is cut off", valueStart);
        break;
      case 0x2a: // array_value
      case 0x32: {
        // kvlist_value
        const listStart = payloadStart(body, valueStart, end);
        position = payloadEnd(body, valueStart, listStart, end);
        checkList(body, listStart, position, depthLeft - 1, tag === 0x32);
        break;
      }
      default:
        position = afterUnknown(body, tag, valueStart, end, ANY_VALUE_FIELDS);
    }
  }
}

/** An `ArrayValue` or a `KeyValueList`: both have one repeated field, `values`, of number 1. */
function checkList(body: Uint8Array, start: number, end: number, depthLeft: number, ofKeyValues: boolean): void {
  if (depthLeft < 0) malformed("messages are nested too deep", start);
  for (let position = start; position < end;) {
    const tag = tagAt(body, position, end);
    const valueStart = afterVarint(body, position, end);
    if (tag !== 0x0a) {
      position = afterUnknown(body, tag, valueStart, end, 1 << 1);
      continue;
    }
    const itemStart = payloadStart(body, valueStart, end);
    position = payloadEnd(body, valueStart, itemStart, end);
    if (ofKeyValues) checkKeyValue(body, itemStart, position, depthLeft - 1);
    else checkAnyValue(body, itemStart, position, depthLeft - 1);
  }
}

/** Checks a `Resource` message: `attributes` = 1, `dropped_attributes_count` = 2, `entity_refs` = 3. */
export function checkResource(
  body: Uint8Array,
  start: number,
  end: number,
  depthLeft: number,
  maxAttributes: number,
): void {
  let attributes = 0;
  for (let position = start; position < end;) {
    const tag = tagAt(body, position, end);
    const valueStart = afterVarint(body, position, end);
    if (tag === 0x0a) {
      attributes += 1;
      if (attributes > maxAttributes) tooManyAttributes(maxAttributes, position);
      position = afterKeyValue(body, valueStart, end, depthLeft - 1);
    } else if (tag === 0x10) {
      position = afterVarint(body, valueStart, end);
    } else if (tag === 0x1a) {
      position = payloadEnd(body, valueStart, payloadStart(body, valueStart, end), end);
    } else {
      position = afterUnknown(body, tag, valueStart, end, RESOURCE_FIELDS);
    }
  }
}

/** Checks an `InstrumentationScope`: `name` = 1, `version` = 2, `attributes` = 3, `dropped_attributes_count` = 4. */
export function checkScope(
  body: Uint8Array,
  start: number,
  end: number,
  depthLeft: number,
  maxAttributes: number,
): void {
  let attributes = 0;
  for (let position = start; position < end;) {
    const tag = tagAt(body, position, end);
    const valueStart = afterVarint(body, position, end);
    if (tag === 0x0a || tag === 0x12) {
      position = afterName(body, valueStart, end);
    } else if (tag === 0x1a) {
      attributes += 1;
      if (attributes > maxAttributes) tooManyAttributes(maxAttributes, position);
      position = afterKeyValue(body, valueStart, end, depthLeft - 1);
    } else if (tag === 0x20) {
      position = afterVarint(body, valueStart, end);
    } else {
      position = afterUnknown(body, tag, valueStart, end, SCOPE_FIELDS);
    }
  }
}

/** The position after the `KeyValue` whose length is at `lengthStart`, checked. */
export function afterKeyValue(body: Uint8Array, lengthStart: number, end: number, depthLeft: number): number {
  const start = payloadStart(body, lengthStart, end);
  const after = payloadEnd(body, lengthStart, start, end);
  checkKeyValue(body, start, after, depthLeft);
  return after;
}

/** The position after the string whose length is at `lengthStart`, checked to be UTF-8. */
export function afterName(body: Uint8Array, lengthStart: number, end: number): number {
  const start = payloadStart(body, lengthStart, end);
  const after = payloadEnd(body, lengthStart, start, end);
  checkUtf8(body, start, after);
  return after;
}

/** Throws `MalformedMessage` with the code `too_large`. */
export function tooManyAttributes(maxAttributes: number, position: number): never {
  throw new MalformedMessage(`there are more than ${maxAttributes} attributes`, position, "too_large");
}
