/**
 * Fold, inside: writes and reads the packed rows of counter state and ledger. Numbers are little-endian.
 */

/** Bytes that grow as they are written. */
export class ByteWriter {
  #buffer: Buffer = Buffer.allocUnsafe(1024);
  #length = 0;

  uint8(value: number): void {
    this.#room(1);
    this.#length = this.#buffer.writeUInt8(value, this.#length);
  }

  uint32(value: number): void {
    this.#room(4);
    this.#length = this.#buffer.writeUInt32LE(value, this.#length);
  }

  int32(value: number): void {
    this.#room(4);
    this.#length = this.#buffer.writeInt32LE(value, this.#length);
  }

  float64(value: number): void {
    this.#room(8);
    this.#length = this.#buffer.writeDoubleLE(value, this.#length);
  }

  /** A whole number from 0 to 2^53 - 1, seven bits a byte. */
  varint(value: number): void {
    this.#room(8);
    let rest = value;
    while (rest >= 128) {
      this.#buffer[this.#length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#buffer[this.#length++] = rest;
  }

  bytes(value: Uint8Array): void {
    this.#room(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  /** Bytes with their number in front. */
  sized(value: Uint8Array): void {
    this.varint(value.length);
    this.bytes(value);
  }

  /** What was written. */
  finish(): Uint8Array {
    return Uint8Array.prototype.slice.call(this.#buffer, 0, this.#length);
  }

  #room(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + bytes));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
}

/** Reads what a {@link ByteWriter} wrote; throws RangeError past the end. */
export class ByteReader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Whether everything was read. */
  get done(): boolean {
    return this.#at >= this.#buffer.length;
  }

  uint8(): number {
    return this.#buffer.readUInt8(this.#skip(1));
  }

  uint32(): number {
    return this.#buffer.readUInt32LE(this.#skip(4));
  }

  int32(): number {
    return this.#buffer.readInt32LE(this.#skip(4));
  }

  float64(): number {
    return this.#buffer.readDoubleLE(this.#skip(8));
  }

  varint(): number {
    let value = 0;
    for (let weight = 1; ; weight *= 128) {
      const byte = this.uint8();
      value += (byte & 127) * weight;
      if (byte < 128) return value;
    }
  }

  /** The next bytes, copied. */
  bytes(length: number): Uint8Array {
    const start = this.#skip(length);
    if (start + length > this.#buffer.length) throw new RangeError("the packed row ends too early");
    return Uint8Array.prototype.slice.call(this.#buffer, start, start + length);
  }

  sized(): Uint8Array {
    return this.bytes(this.varint());
  }

  #skip(length: number): number {
    const at = this.#at;
    this.#at += length;
    return at;
  }
}
