/** Writes protobuf messages for the load: only what OTLP metrics need, kept apart from the code that is measured. */

/** Grows as it is written to. Positions of fixed-width fields stay valid: nested messages are written last to first. */
export class ProtobufWriter {
  #parts: Buffer[] = [];

  /** A field of a message, text or bytes. */
  bytes(field: number, value: Buffer | string): this {
    const content = typeof value === "string" ? Buffer.from(value) : value;
    this.#parts.push(varint(field * 8 + 2), varint(content.length), content);
    return this;
  }

  /** A field of wire type varint. */
  varint(field: number, value: number): this {
    this.#parts.push(varint(field * 8), varint(value));
    return this;
  }

  /** A field of eight bytes that holds a whole number below 2^53. */
  fixed64(field: number, value: number): this {
    const content = Buffer.alloc(8);
    writeFixed64(content, 0, value);
    this.#parts.push(varint(field * 8 + 1), content);
    return this;
  }

  /** A field of eight bytes that holds a double. */
  double(field: number, value: number): this {
    const content = Buffer.alloc(8);
    content.writeDoubleLE(value);
    this.#parts.push(varint(field * 8 + 1), content);
    return this;
  }

  /** What was written. */
  finish(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

/** Writes a whole number below 2^53 as eight bytes, little-endian. */
export function writeFixed64(target: Buffer, position: number, value: number): void {
  target.writeUInt32LE(value % 0x1_0000_0000, position);
  target.writeUInt32LE(Math.floor(value / 0x1_0000_0000), position + 4);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}
