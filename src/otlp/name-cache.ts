/**
 * Turns the bytes of metric names and units into strings. The same few names come again and again, so a small table
 * saves both the decoding and the garbage.
 */
import { checkUtf8 } from "./utf8.ts";

const SLOTS = 256;
const MAX_CACHED_BYTES = 128;

interface CachedName {
  readonly bytes: Uint8Array;
  readonly text: string;
}

/** A table of names by hash of their bytes: one name a slot, the newer replaces the older, so it cannot grow. */
export class NameCache {
  readonly #slots: (CachedName | undefined)[] = Array.from({ length: SLOTS });
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  /** The string in the range. Throws `MalformedMessage` if it is not valid UTF-8. */
  text(body: Uint8Array, start: number, end: number): string {
    if (start === end) return "";
    if (end - start > MAX_CACHED_BYTES) return this.#decode(body, start, end);
    let hash = end - start;
    for (let position = start; position < end; position += 1) hash = (Math.imul(hash, 31) + body[position]!) | 0;
    const slot = (hash ^ (hash >>> 8)) & (SLOTS - 1);
    const cached = this.#slots[slot];
    if (cached !== undefined && isSame(cached.bytes, body, start, end)) return cached.text;
    const text = this.#decode(body, start, end);
    // Not slice: that of a Buffer is a view, which would keep the whole body.
    this.#slots[slot] = { bytes: new Uint8Array(body.subarray(start, end)), text };
    return text;
  }

  #decode(body: Uint8Array, start: number, end: number): string {
    checkUtf8(body, start, end);
    return this.#decoder.decode(body.subarray(start, end));
  }
}

function isSame(bytes: Uint8Array, body: Uint8Array, start: number, end: number): boolean {
  if (bytes.length !== end - start) return false;
  for (let index = 0; index < bytes.length; index += 1) {
    if (bytes[index] !== body[start + index]) return false;
  }
  return true;
}
