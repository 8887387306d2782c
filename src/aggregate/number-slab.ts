/**
 * Fold, inside: numbers of many small records side by side. A point touches a dozen numbers of its stream; as fields of
 * objects they would lie all over the heap, and fetching them would cost more than counting.
 */

/** Doubles kept in one array, a record after the other. */
export class NumberSlab {
  /** The records; replaced by a longer copy when it is full, so it must not be held on to. */
  numbers: Float64Array;
  readonly #stride: number;
  #used = 0;

  /** `stride`: numbers in a record. */
  constructor(stride: number) {
    this.#stride = stride;
    this.numbers = new Float64Array(stride * 4);
  }

  /** Makes room for another record, all zero, and returns the position of its first number. */
  add(): number {
    const offset = this.#used;
    this.#used += this.#stride;
    if (this.#used > this.numbers.length) {
      const grown = new Float64Array(this.numbers.length * 2);
      grown.set(this.numbers);
      this.numbers = grown;
    }
    return offset;
  }
}

/** Doubles of one allocation of {@link chunkedArray}. */
const CHUNK_LENGTH = 1024;

let chunk = new Float64Array(CHUNK_LENGTH);
let chunkUsed = 0;

/** An array of zeros that lies beside those asked for before and after it; for what goes with them: the last one kept keeps all. */
export function chunkedArray(length: number): Float64Array {
  if (length > CHUNK_LENGTH / 8) return new Float64Array(length);
  if (chunkUsed + length > CHUNK_LENGTH) {
    chunk = new Float64Array(CHUNK_LENGTH);
    chunkUsed = 0;
  }
  const array = chunk.subarray(chunkUsed, chunkUsed + length);
  chunkUsed += length;
  return array;
}
