/**
 * Puts the bytes of a canonical form together. A stream's attributes are two dozen parts: an array for each, only to be joined and
 * hashed, would cost more than everything else that the first sight of a stream does.
 */

const USUAL_BYTES = 16_384;

/** Collects bytes, in memory that is used again; all numbers little endian. */
export class CanonicalWriter {
  #bytes = new Uint8Array(USUAL_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** Starts over. What an uncommonly long form took is let go of. */
  begin(): void {
    this.#length = 0;
    if (this.#bytes.length > USUAL_BYTES) this.#use(new Uint8Array(USUAL_BYTES));
  }

  uint8(value: number): void {
    const at = this.#room(1);
    this.#bytes[at] = value;
  }

  uint32(value: number): void {
    const at = this.#room(4);
    this.#view.setUint32(at, value, true);
  }

  int64(value: bigint): void {
    const at = this.#room(8);
    this.#view.setBigInt64(at, value, true);
  }

  float64(value: number): void {
    const at = this.#room(8);
    this.#view.setFloat64(at, value, true);
  }

  /** Bytes behind their number, 32 bits. */
  sized(bytes: Uint8Array): void {
    this.uint32(bytes.length);
    const at = this.#room(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** Leaves room for the number of the bytes that follow; {@link endSized} takes what it returns. */
  beginSized(): number {
    return this.#room(4) + 4;
  }

  /** Writes how many bytes there are since {@link beginSized}. */
  endSized(start: number): void {
    this.#view.setUint32(start - 4, this.#length - start, true);
  }

  /** What was written, until something else is. */
  written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** What was written, to keep. */
  copy(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #room(length: number): number {
    const at = this.#length;
    this.#length += length;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, at));
      this.#use(grown);
    }
    return at;
  }

  #use(bytes: Uint8Array<ArrayBuffer>): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}
