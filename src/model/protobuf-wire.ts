/**
 * The protobuf wire format, read in place: shared by the walk over a request and by what reads attributes later.
 * Functions take and return positions instead of keeping state, so that hot loops stay in registers and allocate nothing.
 * https://protobuf.dev/programming-guides/encoding/
 */

/** Wire types (the low three bits of a tag). 3 and 4 are groups, which no OTLP message has. */
export const VARINT = 0;
/** Eight bytes, little endian. */
export const FIXED64 = 1;
/** A length and so many bytes. */
export const BYTES = 2;
/** Four bytes, little endian. */
export const FIXED32 = 5;

/** The longest varint, bytes. */
const MAX_VARINT_BYTES = 10;

/**
 * What is thrown inside a walk when the bytes are not what they must be. It never leaves the function that began the
 * walk: there it becomes a failure `invalid` (or the code given).
 */
export class MalformedMessage extends Error {
  /** Offset of the fault in the bytes that were walked. */
  readonly position: number;
  /** `too_large` when a named limit is passed, else `invalid`. */
  readonly code: "invalid" | "too_large";

  constructor(reason: string, position: number, code: "invalid" | "too_large" = "invalid") {
    super(reason);
    this.position = position;
    this.code = code;
  }
}

/** Throws {@link MalformedMessage}; apart from the hot functions, so that those stay small enough to be inlined. */
export function malformed(reason: string, position: number): never {
  throw new MalformedMessage(reason, position);
}

/** The position after the varint that begins at `start`. Throws {@link MalformedMessage} if it does not end before `end`. */
export function afterVarint(body: Uint8Array, start: number, end: number): number {
  return start < end && body[start]! < 0x80 ? start + 1 : afterLongVarint(body, start, end);
}

function afterLongVarint(body: Uint8Array, start: number, end: number): number {
  const limit = Math.min(end, start + MAX_VARINT_BYTES);
  for (let position = start; position < limit; position += 1) {
    if (body[position]! < 0x80) return position + 1;
  }
  return malformed(limit === end ? "a varint is cut off" : "a varint is longer than 10 bytes", start);
}

/** The low 32 bits, unsigned, of the varint at `start`, which must have been checked by {@link afterVarint}. */
export function varintLow(body: Uint8Array, start: number): number {
  let value = 0;
  for (let shift = 0, position = start; shift < 32; shift += 7, position += 1) {
    const byte = body[position]!;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return value >>> 0;
}

/** The high 32 bits, unsigned, of the varint at `start`, which must have been checked by {@link afterVarint}. */
export function varintHigh(body: Uint8Array, start: number): number {
  let value = 0;
  for (let index = 0; index < MAX_VARINT_BYTES; index += 1) {
    const byte = body[start + index]!;
    const shift = index * 7 - 32;
    // The fifth byte straddles the halves: its upper three bits are the lowest of the high half.
    if (shift > -7) value |= shift < 0 ? (byte & 0x7f) >>> -shift : (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return value >>> 0;
}

/** The length that the varint at `start` holds. Throws {@link MalformedMessage} if it reaches beyond `end`. */
export function lengthAt(body: Uint8Array, start: number, end: number): number {
  // Nearly every length that does not fit one byte fits two.
  if (start + 1 < end && body[start + 1]! < 0x80 && body[start]! >= 0x80) {
    const length = (body[start]! & 0x7f) | (body[start + 1]! << 7);
    if (length > end - start - 2) malformed("a length reaches beyond its message", start);
    return length;
  }
  const after = afterVarint(body, start, end);
  const length = varintLow(body, start);
  if (length > end - after || varintHigh(body, start) !== 0) malformed("a length reaches beyond its message", start);
  return length;
}

/**
 * The tag at `start`: field number times 8 plus wire type. Throws {@link MalformedMessage} if it is cut off, above 32 bits
 * or of field number 0.
 */
export function tagAt(body: Uint8Array, start: number, end: number): number {
  const byte = body[start]!;
  return start < end && byte >= 8 && byte < 0x80 ? byte : longTagAt(body, start, end);
}

function longTagAt(body: Uint8Array, start: number, end: number): number {
  afterVarint(body, start, end);
  const tag = varintLow(body, start);
  if (tag < 8 || varintHigh(body, start) !== 0) malformed("a field number is out of range", start);
  return tag;
}

/**
 * The position after the value at `start` of a field with this wire type. Throws {@link MalformedMessage} for groups,
 * reserved wire types and values that reach beyond `end`.
 */
export function afterValue(body: Uint8Array, wireType: number, start: number, end: number): number {
  let after = start;
  if (wireType === VARINT) return afterVarint(body, start, end);
  if (wireType === BYTES) after = afterVarint(body, start, end) + lengthAt(body, start, end);
  else if (wireType === FIXED64) after += 8;
  else if (wireType === FIXED32) after += 4;
  else malformed("a wire type is not supported", start);
  if (after > end) malformed("a value is cut off", start);
  return after;
}

/**
 * The position after the value at `start` of a field that is not read. `knownFields` has bit n set when field n is known:
 * such a field comes here only with a wrong wire type, and that is malformed.
 */
export function afterUnknown(body: Uint8Array, tag: number, start: number, end: number, knownFields: number): number {
  const field = tag >>> 3;
  if (field === 0) malformed("a field number is out of range", start);
  if (field < 32 && (knownFields & (1 << field)) !== 0) malformed(`field ${field} has a wrong wire type`, start);
  return afterValue(body, tag & 7, start, end);
}

/** Where the payload begins whose length is the varint at `lengthStart`. Throws {@link MalformedMessage} if it is cut off. */
export function payloadStart(body: Uint8Array, lengthStart: number, end: number): number {
  return lengthStart < end && body[lengthStart]! < 0x80 ? lengthStart + 1 : afterVarint(body, lengthStart, end);
}

/** Where the payload ends that begins at `start`. Throws {@link MalformedMessage} if that is beyond `end`. */
export function payloadEnd(body: Uint8Array, lengthStart: number, start: number, end: number): number {
  const byte = body[lengthStart]!;
  const length = byte < 0x80 ? byte : lengthAt(body, lengthStart, end);
  if (length > end - start) malformed("a length reaches beyond its message", lengthStart);
  return start + length;
}

/**
 * All occurrences of a field in a message, one after the other: what protobuf makes of a message that comes in parts and of
 * a repeated number that is packed, not packed, or both. `withTags` keeps each occurrence as the field it is.
 */
export function joinField(body: Uint8Array, start: number, end: number, field: number, withTags: boolean): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let position = start; position < end;) {
    const tag = tagAt(body, position, end);
    const valueStart = afterVarint(body, position, end);
    const after = afterValue(body, tag & 7, valueStart, end);
    if (tag >>> 3 === field) {
      const payload = (tag & 7) === BYTES ? afterVarint(body, valueStart, end) : valueStart;
      parts.push(body.subarray(withTags ? position : payload, after));
    }
    position = after;
  }
  return concatenate(parts);
}

/** The parts one after the other, copied. */
export function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let position = 0;
  for (const part of parts) {
    joined.set(part, position);
    position += part.length;
  }
  return joined;
}

/** A 32-bit value in zigzag form (`sint32`). */
export function zigzag32(value: number): number {
  return (value >>> 1) ^ -(value & 1);
}
