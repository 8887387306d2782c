/**
 * A reader of HTTP/2 frames of its own (RFC 9113, section 4.1): body bytes by stream, from what was on the connection.
 */

const HEADER_BYTES = 9;
const DATA = 0x0;
const HEADERS = 0x1;
const PADDED = 0x8;
const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/** Body bytes of the streams, in the order in which their first HEADERS or DATA came. */
export function bodiesByStream(bytes: Buffer): Map<number, number> {
  const bodies = new Map<number, number>();
  let at = bytes.subarray(0, PREFACE.length).toString("latin1") === PREFACE ? PREFACE.length : 0;
  while (at + HEADER_BYTES <= bytes.length) {
    const length = bytes.readUIntBE(at, 3);
    const type = bytes[at + 3] ?? 0;
    const flags = bytes[at + 4] ?? 0;
    const stream = bytes.readUInt32BE(at + 5) & 0x7f_ff_ff_ff;
    const payload = bytes.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length);
    at += HEADER_BYTES + length;
    if (type !== DATA && type !== HEADERS) continue;
    const padding = type === DATA && (flags & PADDED) !== 0 ? 1 + (payload[0] ?? 0) : 0;
    const body = type === DATA ? Math.max(0, payload.length - padding) : 0;
    bodies.set(stream, (bodies.get(stream) ?? 0) + body);
  }
  return bodies;
}
