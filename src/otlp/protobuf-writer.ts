/** Writes protobuf into a buffer that grows: for bodies that came as JSON, and for answers. */

const FIRST_BYTES = 1024;

/** An append-only protobuf message. */
export class ProtobufWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(firstBytes: number = FIRST_BYTES) {
    this.#bytes = new Uint8Array(firstBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** What was written, as a view; writing goes on behind it. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** A tag. */
  tag(field: number, wireType: number): void {
    this.varint32(field * 8 + wireType);
  }

  /** A whole number below 2^32. */
  varint32(value: number): void {
    this.#reserve(5);
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
    this.#bytes[this.#length++] = rest;
  }

  /** Any 64 bits, signed or not. */
  varint64(value: bigint): void {
    this.#reserve(10);
    let rest = BigInt.asUintN(64, value);
    for (; rest >= 0x80n; rest >>= 7n) this.#bytes[this.#length++] = Number(rest & 0x7fn) | 0x80;
    this.#bytes[this.#length++] = Number(rest);
  }

  /** Eight bytes, signed or not. */
  fixed64(value: bigint): void {
    this.#reserve(8);
    this.#view.setBigUint64(this.#length, BigInt.asUintN(64, value), true);
    this.#length += 8;
  }

  /** A double. */
  double(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  /** A length and the bytes. */
  bytes(value: Uint8Array): void {
    this.varint32(value.length);
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  /** A length and whatever `write` writes. */
  nested(write: () => void): void {
    const start = this.#length;
    write();
    const length = this.#length - start;
    const head = lengthOfVarint(length);
    this.#reserve(head);
    // The length is known only now: the content moves up to make room for it.
    this.#bytes.copyWithin(start + head, start, this.#length);
    this.#length = start;
    this.varint32(length);
    this.#length += length;
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count));
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

function lengthOfVarint(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) length += 1;
  return length;
}
