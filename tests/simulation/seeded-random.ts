/** The only source of chance in a simulation: the same seed gives the same numbers for ever. */

/** A small generator of good quality (sfc32), seeded by one number. */
export class SeededRandom {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    this.#a = 0x9e37_79b9 ^ seed;
    this.#b = Math.floor(seed / 2 ** 32) ^ 0x243f_6a88;
    this.#c = seed | 0;
    // Neighbouring seeds begin alike: a few rounds tell them apart.
    for (let round = 0; round < 12; round++) this.#next();
  }

  /** At least 0 and below 1. */
  fraction(): number {
    return this.#next() / 2 ** 32;
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** A whole number, both ends included. */
  whole(from: number, to: number): number {
    return from + Math.floor(this.fraction() * (to - from + 1));
  }

  /** A number between these, small ones as likely as large ones by order of magnitude. `from` must be above 0. */
  spread(from: number, to: number): number {
    return from * (to / from) ** this.fraction();
  }

  /** One of these. Throws when there is none. */
  pick<T>(choices: readonly T[]): T {
    if (choices.length === 0) throw new RangeError("there is nothing to pick from");
    return choices[this.whole(0, choices.length - 1)]!;
  }

  /** Eight hexadecimal digits. */
  digits(): string {
    return this.#next().toString(16).padStart(8, "0");
  }

  #next(): number {
    const sum = (this.#a + this.#b + this.#counter++) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return sum >>> 0;
  }
}
