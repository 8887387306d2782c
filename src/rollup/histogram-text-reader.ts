/**
 * Reads the pairs of a stored histogram from its text, one after the other, without making objects of them.
 */

const ZERO = 0x30;
const NINE = 0x39;
const MINUS = 0x2d;
const COMMA = 0x2c;
const SPACE = 0x20;
const OPEN = 0x5b;
const CLOSE = 0x5d;

// An integer, not an infinity: an engine keeps small integers without an object.
const BEFORE_EVERY_INDEX = -(2 ** 30);

/** Digits of a whole number that is surely exact. */
const MAX_EXACT_DIGITS = 15;

/** Digits of an index that surely fits 32 bits. */
const MAX_INDEX_DIGITS = 9;

/**
 * A cursor over `[[index,count],…]` as `histogramToJson` writes it, or as MySQL gives it back: with a space after each
 * comma. It stops at everything else (other white space, unsorted indices, counts of zero), and is then not complete.
 */
export class HistogramTextReader {
  /** The pair at hand. */
  index: number = BEFORE_EVERY_INDEX;
  count = 0;
  /** Where the pair, and its count, stand in the text. */
  pairStart = 0;
  countStart = 0;
  countEnd = 0;
  /** Whether the text was read to its end, and all of it was of this form. */
  complete = false;
  readonly #bytes: Uint8Array;
  readonly #length: number;
  #at = 0;
  #number = 0;

  /** Takes the text as `length` bytes of UTF-8; one more byte must follow, which is no character of a histogram. */
  constructor(bytes: Uint8Array, length: number) {
    this.#bytes = bytes;
    this.#length = length;
  }

  /** Moves to the next pair; false at the end of the text, or where it is not of this form. */
  next(): boolean {
    const first = this.#at === 0;
    if (!this.#skip(first ? OPEN : COMMA)) {
      this.complete = !first && this.#skip(CLOSE) && this.#at === this.#length;
      return false;
    }
    if (first && this.#skip(CLOSE)) {
      this.complete = this.#at === this.#length;
      return false;
    }
    if (!first) this.#skip(SPACE);
    this.pairStart = this.#at;
    return this.#skip(OPEN) && this.#readIndex() && this.#skip(COMMA) && this.#readCount() && this.#skip(CLOSE);
  }

  #readIndex(): boolean {
    const last = this.index;
    const negative = this.#skip(MINUS);
    if (!this.#readDigits(MAX_INDEX_DIGITS) || (negative && this.#number === 0)) return false;
    this.index = negative ? -this.#number : this.#number;
    return this.index > last;
  }

  #readCount(): boolean {
    this.#skip(SPACE);
    this.countStart = this.#at;
    if (!this.#readDigits(MAX_EXACT_DIGITS)) return false;
    this.countEnd = this.#at;
    this.count = this.#number;
    return this.count > 0;
  }

  #readDigits(maxDigits: number): boolean {
    const bytes = this.#bytes;
    const start = this.#at;
    const limit = start + maxDigits;
    let at = start;
    let number = 0;
    for (; at < limit; at += 1) {
      const code = bytes[at]!;
      if (code < ZERO || code > NINE) break;
      number = number * 10 + (code - ZERO);
    }
    this.#at = at;
    this.#number = number;
    return at - start === 1 || (at > start && bytes[start] !== ZERO);
  }

  #skip(code: number): boolean {
    if (this.#bytes[this.#at] !== code) return false;
    this.#at += 1;
    return true;
  }
}
