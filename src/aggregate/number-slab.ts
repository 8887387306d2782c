/**
 * Fold, inside: numbers of many small records side by side. A point touches a dozen numbers of its stream; as fields of
 * objects they would lie all over the heap, and fetching them would cost more than counting.
 */

/** Records of the first array and of the longest: few streams of a metric need little, and many shall not lie in ever more arrays. */
const FIRST_RECORDS = 4;
const MOST_RECORDS = 128;

/** Doubles kept side by side, a record after the other, in arrays that are never moved. */
export class NumberSlab {
  /** The array in which {@link add} has made room last. */
  numbers: Float64Array;
  readonly #stride: number;
  #used = 0;

  /** `stride`: numbers in a record. */
  constructor(stride: number) {
    this.#stride = stride;
    this.numbers = new Float64Array(stride * FIRST_RECORDS);
  }

  /** Makes room for another record, all zero, and returns the position of its first number in {@link numbers}, which is to be held on to. */
  add(): number {
    if (this.#used === this.numbers.length) {
      const records = Math.min(MOST_RECORDS, (2 * this.#used) / this.#stride);
      this.numbers = new Float64Array(records * this.#stride);
      this.#used = 0;
    }
    const offset = this.#used;
    this.#used += this.#stride;
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
