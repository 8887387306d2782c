/**
 * Fold, inside: a sequence of bytes that is compared with parts of bodies again and again, a word at a time.
 */
import { viewOf } from "../model/data-view.ts";

/** Bytes copied out of a body, in little-endian words; the last one is filled up with zeros. */
export class ByteSequence {
  readonly length: number;
  readonly words: Int32Array;

  /** Copies the range. */
  constructor(body: Uint8Array, start: number, end: number) {
    this.length = end - start;
    this.words = new Int32Array((this.length + 3) >> 2);
    const view = viewOf(body);
    let at = start;
    let place = 0;
    for (const lastWhole = end - 4; at <= lastWhole; at += 4) this.words[place++] = view.getInt32(at, true);
    if (at < end) this.words[place] = lastWord(body, at, end);
  }

  /** The bytes, copied. */
  bytes(): Uint8Array {
    const bytes = new Uint8Array(this.length);
    for (let at = 0; at < bytes.length; at++) bytes[at] = this.words[at >> 2]! >>> ((at & 3) * 8);
    return bytes;
  }

  /** Whether a range of a body holds the same bytes. */
  equals(body: Uint8Array, start: number, end: number): boolean {
    return end - start === this.length && ByteSequence.wordsEqual(this.words, 0, body, start, end);
  }

  /** Whether words from `offset` on are those of a range of a body, whose length is known to be the same. */
  static wordsEqual(words: Int32Array, offset: number, body: Uint8Array, start: number, end: number): boolean {
    const view = viewOf(body);
    let at = start;
    let place = offset;
    for (const lastWhole = end - 4; at <= lastWhole; at += 4, place++) {
      if (words[place] !== view.getInt32(at, true)) return false;
    }
    return at === end || words[place] === lastWord(body, at, end);
  }

  /** A hash of a range; equal bytes have equal hashes. FNV-1a over words, 32 bits. */
  static hash(body: Uint8Array, start: number, end: number): number {
    const view = viewOf(body);
    let hash = 0x811c9dc5;
    let at = start;
    for (; at + 4 <= end; at += 4) {
      hash = Math.imul(hash ^ view.getInt32(at, true), 0x01000193);
      hash ^= hash >>> 15;
    }
    for (; at < end; at++) hash = Math.imul(hash ^ body[at]!, 0x01000193);
    return hash;
  }
}

/** The word of the one to three bytes that are left over. */
function lastWord(body: Uint8Array, start: number, end: number): number {
  let word = 0;
  for (let at = start, shift = 0; at < end; at++, shift += 8) word |= body[at]! << shift;
  return word;
}
