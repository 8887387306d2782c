/**
 * Recognizes the form that nearly every attribute has, in a third of the time the full check takes: attributes are most
 * of a request. Whatever is not recognized is checked in full, so this decides about speed, never about validity.
 */

/** Four bytes at a time: the high bits, which ASCII does not have. */
const NOT_ASCII = 0x8080_8080 | 0;

/**
 * Whether the `KeyValue` from `start` to `end` is an ASCII key, then a short text, a boolean or an integer of one or two
 * bytes, nothing else, with lengths of one byte: then it is valid.
 */
export function isPlainKeyValue(body: Uint8Array, view: DataView, start: number, end: number): boolean {
  // Below six bytes there is no room for a key and a value with their tags and lengths.
  if (end - start < 6 || body[start] !== 0x0a) return false;
  const keyStart = start + 2;
  const keyEnd = keyStart + body[start + 1]!;
  if (keyEnd + 4 > end || body[keyEnd] !== 0x12) return false;
  const valueLength = body[keyEnd + 1]!;
  if (valueLength >= 0x80 || keyEnd + 2 + valueLength !== end) return false;
  return isAscii(body, view, keyStart, keyEnd) && isPlainValue(body, keyEnd + 2, valueLength);
}

/** Keys of 128 bytes and more have a longer length and are left to the full check. */
function isAscii(body: Uint8Array, view: DataView, start: number, end: number): boolean {
  if (end - start >= 0x80) return false;
  let bits = 0;
  let position = start;
  for (; position + 4 <= end; position += 4) bits |= view.getInt32(position, true);
  for (; position < end; position += 1) bits |= body[position]!;
  return (bits & NOT_ASCII) === 0;
}

function isPlainValue(body: Uint8Array, start: number, length: number): boolean {
  const tag = body[start]!;
  const first = body[start + 1]!;
  if (tag === 0x0a) return first < 0x80 && first === length - 2;
  if (tag !== 0x10 && tag !== 0x18) return false;
  return first < 0x80 ? length === 2 : length === 3 && body[start + 2]! < 0x80;
}
