/**
 * Writes the text of a histogram as bytes, in one piece: joined strings would be made flat once more when they are sent.
 */

const ZERO = 0x30;
const MINUS = 0x2d;
const COMMA = 0x2c;
const OPEN = 0x5b;
const CLOSE = 0x5d;

/** The most characters a pair takes: an index of five, a count of 17, brackets and commas. */
export const MAX_PAIR_CHARACTERS = 26;

const MAX_INT32 = 2 ** 31 - 1;

/** Collects ASCII text in memory that it is given. */
export class HistogramTextWriter {
  readonly #bytes: Buffer;
  #length = 0;

  /** Writes into `bytes`, from its start; there must be room for all that is added. */
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Adds the characters of `source` from `start` to before `end`; they are ASCII. */
  copy(source: Uint8Array, start: number, end: number): void {
    const bytes = this.#bytes;
    let length = this.#length;
    for (let at = start; at < end; at += 1) bytes[length++] = source[at]!;
    this.#length = length;
  }

  /** Adds `[index,count]`. */
  pair(index: number, count: number): void {
    this.#bytes[this.#length++] = OPEN;
    if (index < 0) this.#bytes[this.#length++] = MINUS;
    this.whole(Math.abs(index));
    this.comma();
    this.whole(count);
    this.close();
  }

  /** Adds a whole number that is not negative, in decimal. */
  whole(value: number): void {
    if (value > MAX_INT32) {
      this.#length += this.#bytes.write(String(value), this.#length, "latin1");
      return;
    }
    let end = this.#length + 1;
    for (let bound = 10; value >= bound; bound *= 10) end += 1;
    this.#length = end;
    let rest = value | 0;
    do {
      const tenth = (rest / 10) | 0;
      this.#bytes[--end] = ZERO + rest - tenth * 10;
      rest = tenth;
    } while (rest > 0);
  }

  /** Adds a comma. */
  comma(): void {
    this.#bytes[this.#length++] = COMMA;
  }

  /** Adds a closing bracket. */
  close(): void {
    this.#bytes[this.#length++] = CLOSE;
  }

  /** What was added. */
  text(): string {
    return this.#bytes.toString("latin1", 0, this.#length);
  }
}
