/**
 * Requests as clients write them.
 */

/** A request without a body. */
export function get(path = "/", headers = "", method = "GET"): string {
  return `${method} ${path} HTTP/1.1\r\nHost: test\r\n${headers}\r\n`;
}

/** A request whose body has a `Content-Length`. */
export function post(body: string | Buffer, headers = "", method = "POST"): Buffer {
  const head = `${method} /items HTTP/1.1\r\nHost: test\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${headers}\r\n`;
  return Buffer.concat([Buffer.from(head), Buffer.from(body)]);
}

/** A chunked request. */
export function chunked(
  chunks: readonly string[],
  { trailers = "", extension = "", headers = "" }: { trailers?: string; extension?: string; headers?: string } = {},
): string {
  const framed = chunks.map((chunk) => `${Buffer.byteLength(chunk).toString(16)}${extension}\r\n${chunk}\r\n`).join("");
  const head = `POST /items HTTP/1.1\r\nHost: test\r\n${headers}Transfer-Encoding: chunked\r\n\r\n`;
  return `${head}${framed}0\r\n${trailers}\r\n`;
}

/** Asks for the end of the connection. */
export const CLOSE = "Connection: close\r\n";

export const MEGABYTE = 1_000_000;

/** Bytes that do not compress and are the same every time. */
export function noise(bytes: number): Buffer {
  const buffer = Buffer.allocUnsafe(bytes);
  let state = 1;
  for (let at = 0; at < bytes; at += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    buffer[at] = state >>> 24;
  }
  return buffer;
}
