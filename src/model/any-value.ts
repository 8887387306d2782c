/**
 * The values of attributes as a small tree, for reading them and for their canonical form. Only first sights of a stream
 * come here; the hot path leaves attributes as bytes.
 * opentelemetry.proto.common.v1: KeyValue, AnyValue, ArrayValue, KeyValueList.
 */
import {
  afterValue,
  afterVarint,
  BYTES,
  joinField,
  payloadStart,
  tagAt,
  varintHigh,
  varintLow,
} from "./protobuf-wire.ts";

/** One `AnyValue`. Text and bytes are views of the message they were read from. */
export type AnyValue =
  | { readonly kind: "empty" }
  | { readonly kind: "string"; readonly bytes: Uint8Array }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "int"; readonly value: bigint }
  | { readonly kind: "double"; readonly value: number }
  | { readonly kind: "array"; readonly values: AnyValue[] }
  | { readonly kind: "map"; readonly values: KeyValue[] }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array };

/** One `KeyValue`; the key as its UTF-8 bytes, a view. */
export interface KeyValue {
  readonly key: Uint8Array;
  readonly value: AnyValue;
}

const EMPTY: AnyValue = { kind: "empty" };
const NO_BYTES = new Uint8Array(0);

/** What {@link eachField} calls: the whole tag, and the range of the value (of the payload where there is a length). */
export type FieldVisitor = (tag: number, start: number, end: number) => void;

/** Calls `visit` for every field of a message. Throws `MalformedMessage` on bytes that are not one. */
export function eachField(body: Uint8Array, start: number, end: number, visit: FieldVisitor): void {
  for (let position = start; position < end;) {
    const tag = tagAt(body, position, end);
    const valueStart = afterVarint(body, position, end);
    const after = afterValue(body, tag & 7, valueStart, end);
    visit(tag, (tag & 7) === BYTES ? payloadStart(body, valueStart, end) : valueStart, after);
    position = after;
  }
}

/** Reads a `KeyValue` message. Throws `MalformedMessage` on bytes that are not one. */
export function readKeyValue(body: Uint8Array, start: number, end: number): KeyValue {
  let key: Uint8Array = NO_BYTES;
  let valueStart = 0;
  let valueEnd = 0;
  let pieces = 0;
  eachField(body, start, end, (tag, from, to) => {
    if (tag === 0x0a) key = body.subarray(from, to);
    if (tag !== 0x12) return;
    valueStart = from;
    valueEnd = to;
    pieces += 1;
  });
  if (pieces === 0) return { key, value: EMPTY };
  if (pieces === 1) return { key, value: readAnyValue(body, valueStart, valueEnd) };
  const joined = joinField(body, start, end, 2, false);
  return { key, value: readAnyValue(joined, 0, joined.length) };
}

/** Reads the `KeyValue` messages in a range, of whatever field number. Throws `MalformedMessage` on bytes that are none. */
export function readKeyValues(body: Uint8Array, start: number, end: number): KeyValue[] {
  const entries: KeyValue[] = [];
  eachField(body, start, end, (_tag, from, to) => entries.push(readKeyValue(body, from, to)));
  return entries;
}

/** The last member of the `oneof` wins; lists that follow each other are merged. */
function readAnyValue(body: Uint8Array, start: number, end: number): AnyValue {
  let value: AnyValue = EMPTY;
  eachField(body, start, end, (tag, from, to) => {
    value = memberOf(tag, body, from, to, value) ?? value;
  });
  return value;
}

function memberOf(tag: number, body: Uint8Array, start: number, end: number, before: AnyValue): AnyValue | undefined {
  switch (tag) {
    case 0x0a:
      return { kind: "string", bytes: body.subarray(start, end) };
    case 0x10:
      return { kind: "boolean", value: varintLow(body, start) !== 0 || varintHigh(body, start) !== 0 };
    case 0x18:
      return { kind: "int", value: int64At(body, start) };
    case 0x21:
      return { kind: "double", value: new DataView(body.buffer, body.byteOffset).getFloat64(start, true) };
    case 0x2a: {
      const values = before.kind === "array" ? before.values : [];
      eachField(body, start, end, (item, from, to) => {
        if (item === 0x0a) values.push(readAnyValue(body, from, to));
      });
      return { kind: "array", values };
    }
    case 0x32: {
      const values = before.kind === "map" ? before.values : [];
      eachField(body, start, end, (item, from, to) => {
        if (item === 0x0a) values.push(readKeyValue(body, from, to));
      });
      return { kind: "map", values };
    }
    case 0x3a:
      return { kind: "bytes", bytes: body.subarray(start, end) };
    default:
      return undefined;
  }
}

function int64At(body: Uint8Array, start: number): bigint {
  return BigInt.asIntN(64, (BigInt(varintHigh(body, start)) << 32n) | BigInt(varintLow(body, start)));
}
