/**
 * Gives every set of attributes one form in bytes, so that a stream is the same stream whatever order its attributes come
 * in, in every process and for ever: counter state is stored under hashes of these bytes. Bytes must have been checked by
 * the walk: on others these functions throw.
 *
 * A set is its number of entries, then the entries by the bytes of their keys: key, value. Text and bytes follow their
 * length; a value follows a byte that tells its kind; numbers take eight bytes. Lengths are 32 bits, little endian.
 */
import { createHash } from "node:crypto";

import { type AnyValue, eachField, type KeyValue, readKeyValue } from "./any-value.ts";
import { concatenate } from "./protobuf-wire.ts";

const KIND_BYTES: Readonly<Record<AnyValue["kind"], number>> = {
  empty: 0,
  string: 1,
  boolean: 2,
  int: 3,
  double: 4,
  array: 5,
  map: 6,
  bytes: 7,
};

/** The canonical form of the `KeyValue` fields in a range, of whatever field number. The last of several of one key counts. */
export function canonicalAttributes(body: Uint8Array, start: number, end: number): Uint8Array {
  const entries: KeyValue[] = [];
  eachField(body, start, end, (_tag, from, to) => entries.push(readKeyValue(body, from, to)));
  const parts: Uint8Array[] = [];
  pushEntries(parts, entries);
  return concatenate(parts);
}

/** The canonical form of a `Resource` message: its attributes only. */
export function canonicalResource(body: Uint8Array, start: number, end: number): Uint8Array {
  const entries: KeyValue[] = [];
  eachField(body, start, end, (tag, from, to) => {
    if (tag === 0x0a) entries.push(readKeyValue(body, from, to));
  });
  const parts: Uint8Array[] = [];
  pushEntries(parts, entries);
  return concatenate(parts);
}

/** The canonical form of an `InstrumentationScope` message: name, version and attributes. */
export function canonicalScope(body: Uint8Array, start: number, end: number): Uint8Array {
  let name: Uint8Array = new Uint8Array(0);
  let version: Uint8Array = new Uint8Array(0);
  const entries: KeyValue[] = [];
  eachField(body, start, end, (tag, from, to) => {
    if (tag === 0x0a) name = body.subarray(from, to);
    else if (tag === 0x12) version = body.subarray(from, to);
    else if (tag === 0x1a) entries.push(readKeyValue(body, from, to));
  });
  const parts: Uint8Array[] = [];
  pushBytes(parts, name);
  pushBytes(parts, version);
  pushEntries(parts, entries);
  return concatenate(parts);
}

/** 128 bits of SHA-256 over the parts, each with its length: 32 lower-case hexadecimal digits. */
export function identityHash(parts: readonly Uint8Array[]): string {
  const framed: Uint8Array[] = [];
  for (const part of parts) pushBytes(framed, part);
  return createHash("sha256").update(concatenate(framed)).digest("hex").slice(0, 32);
}

function pushEntries(parts: Uint8Array[], entries: readonly KeyValue[]): void {
  // The sort is stable: of equal keys the last one read comes last.
  const sorted = entries.toSorted((a, b) => compareBytes(a.key, b.key));
  const unique = sorted.filter((entry, index) => {
    const next = sorted[index + 1];
    return next === undefined || compareBytes(entry.key, next.key) !== 0;
  });
  parts.push(uint32(unique.length));
  for (const entry of unique) {
    pushBytes(parts, entry.key);
    pushValue(parts, entry.value);
  }
}

function pushValue(parts: Uint8Array[], value: AnyValue): void {
  parts.push(Uint8Array.of(KIND_BYTES[value.kind]));
  switch (value.kind) {
    case "empty":
      break;
    case "string":
    case "bytes":
      pushBytes(parts, value.bytes);
      break;
    case "boolean":
      parts.push(Uint8Array.of(value.value ? 1 : 0));
      break;
    case "int":
      parts.push(new Uint8Array(BigInt64Array.of(value.value).buffer));
      break;
    case "double":
      parts.push(new Uint8Array(Float64Array.of(value.value).buffer));
      break;
    case "array":
      parts.push(uint32(value.values.length));
      for (const item of value.values) pushValue(parts, item);
      break;
    case "map":
      pushEntries(parts, value.values);
      break;
  }
}

function pushBytes(parts: Uint8Array[], bytes: Uint8Array): void {
  parts.push(uint32(bytes.length), bytes);
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const difference = a[index]! - b[index]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
