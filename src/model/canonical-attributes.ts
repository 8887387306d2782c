/**
 * Gives every set of attributes one form in bytes, so that a stream is the same stream whatever order its attributes come
 * in, in every process and for ever: counter state is stored under hashes of these bytes. Bytes must have been checked by
 * the walk: on others these functions throw.
 *
 * A set is its number of entries, then the entries by the bytes of their keys: key, value. Text and bytes follow their
 * length; a value follows a byte that tells its kind; numbers take eight bytes. Lengths are 32 bits, little endian.
 */
import { hash } from "node:crypto";

import { type AnyValue, type KeyValue, readKeyValue, eachField, readKeyValues } from "./any-value.ts";
import { CanonicalWriter } from "./canonical-writer.ts";

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

// Nothing here waits or calls itself from outside: one writer serves everybody.
const writer = new CanonicalWriter();

/** The canonical form of the `KeyValue` fields in a range, of whatever field number. The last of several of one key counts. */
export function canonicalAttributes(body: Uint8Array, start: number, end: number): Uint8Array {
  writer.begin();
  writeEntries(readKeyValues(body, start, end));
  return writer.copy();
}

/** {@link identityHash} of the canonical form of these entries alone, which is not made as bytes of its own. */
export function attributesHash(entries: readonly KeyValue[]): string {
  writer.begin();
  const start = writer.beginSized();
  writeEntries(entries);
  writer.endSized(start);
  return hashOf(writer.written());
}

/** The canonical form of a `Resource` message: its attributes only. */
export function canonicalResource(body: Uint8Array, start: number, end: number): Uint8Array {
  const entries: KeyValue[] = [];
  eachField(body, start, end, (tag, from, to) => {
    if (tag === 0x0a) entries.push(readKeyValue(body, from, to));
  });
  writer.begin();
  writeEntries(entries);
  return writer.copy();
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
  writer.begin();
  writer.sized(name);
  writer.sized(version);
  writeEntries(entries);
  return writer.copy();
}

/** 128 bits of SHA-256 over the parts, each with its length: 32 lower-case hexadecimal digits. */
export function identityHash(parts: readonly Uint8Array[]): string {
  writer.begin();
  for (const part of parts) writer.sized(part);
  return hashOf(writer.written());
}

function hashOf(bytes: Uint8Array): string {
  return hash("sha256", bytes, "hex").slice(0, 32);
}

function writeEntries(entries: readonly KeyValue[]): void {
  const unique = isCanonical(entries) ? entries : sortedLast(entries);
  writer.uint32(unique.length);
  for (const { key, value } of unique) {
    writer.sized(key);
    writeValue(value);
  }
}

function isCanonical(entries: readonly KeyValue[]): boolean {
  for (let index = 1; index < entries.length; index += 1) {
    if (compareBytes(entries[index - 1]!.key, entries[index]!.key) >= 0) return false;
  }
  return true;
}

function sortedLast(entries: readonly KeyValue[]): readonly KeyValue[] {
  // The sort is stable: of equal keys the last one read comes last.
  const sorted = entries.toSorted((a, b) => compareBytes(a.key, b.key));
  return sorted.filter((entry, index) => {
    const next = sorted[index + 1];
    return next === undefined || compareBytes(entry.key, next.key) !== 0;
  });
}

function writeValue(value: AnyValue): void {
  writer.uint8(KIND_BYTES[value.kind]);
  switch (value.kind) {
    case "empty":
      break;
    case "string":
    case "bytes":
      writer.sized(value.bytes);
      break;
    case "boolean":
      writer.uint8(value.value ? 1 : 0);
      break;
    case "int":
      writer.int64(value.value);
      break;
    case "double":
      writer.float64(value.value);
      break;
    case "array":
      writer.uint32(value.values.length);
      for (const item of value.values) writeValue(item);
      break;
    case "map":
      writeEntries(value.values);
      break;
  }
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const difference = a[index]! - b[index]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
