/**
 * A client that keeps every byte it sends and receives, and a parser of its own for what came: the truth the counts are
 * compared with. Shares no code with the counter.
 */

import { connect, type Socket } from "node:net";

/** One final response as it was on the wire, with the 1xx responses before it. */
export interface WireResponse {
  readonly status: number;
  /** Everything, informational responses included. */
  readonly totalBytes: number;
  readonly bodyBytes: number;
  readonly body: Buffer;
  /** False when the connection ended inside it. */
  readonly complete: boolean;
}

/** A connection whose bytes are all kept. */
export class RawClient {
  readonly socket: Socket;
  readonly #received: Buffer[] = [];
  readonly #closed: Promise<void>;
  sentBytes = 0;
  receivedBytes = 0;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (data) => {
      this.#received.push(data);
      this.receivedBytes += data.length;
    });
    socket.on("error", () => {});
    this.#closed = new Promise((resolve) => socket.once("close", () => resolve()));
  }

  static async open(port: number): Promise<RawClient> {
    const socket = connect(port, "127.0.0.1");
    await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    return new RawClient(socket);
  }

  send(data: string | Buffer): void {
    const bytes = typeof data === "string" ? Buffer.from(data, "latin1") : data;
    this.sentBytes += bytes.length;
    this.socket.write(bytes);
  }

  received(): Buffer {
    return Buffer.concat(this.#received);
  }

  /** Waits until `count` whole responses to requests of `methods` are here. */
  async responses(methods: readonly string[]): Promise<WireResponse[]> {
    for (;;) {
      const parsed = parseResponses(this.received(), methods);
      if (parsed.length === methods.length && parsed.every(({ complete }) => complete)) return parsed;
      if (this.socket.destroyed) throw new Error(`the connection ended after ${parsed.length} responses`);
      await new Promise<void>((resolve) => {
        const done = (): void => {
          this.socket.off("data", done).off("close", done);
          resolve();
        };
        this.socket.once("data", done).once("close", done);
      });
    }
  }

  async closed(): Promise<void> {
    await this.#closed;
  }

  async close(): Promise<void> {
    this.socket.end();
    await this.#closed;
  }
}

/** Parses final responses from the start of `data`, one for each method, as far as the bytes go. */
export function parseResponses(data: Buffer, methods: readonly string[]): WireResponse[] {
  const responses: WireResponse[] = [];
  let at = 0;
  for (const method of methods) {
    const start = at;
    for (;;) {
      const headEnd = data.indexOf("\r\n\r\n", at);
      if (headEnd === -1) return responses;
      const head = data.subarray(at, headEnd).toString("latin1");
      at = headEnd + 4;
      const status = Number(head.slice(9, 12));
      if (status < 200) continue;
      const body = parseBody(data.subarray(at), head, method, status);
      at += body.wireBytes;
      responses.push({
        status,
        totalBytes: at - start,
        bodyBytes: body.body.length,
        body: body.body,
        complete: body.complete,
      });
      break;
    }
  }
  return responses;
}

interface WireBody {
  readonly body: Buffer;
  readonly wireBytes: number;
  readonly complete: boolean;
}

function parseBody(rest: Buffer, head: string, method: string, status: number): WireBody {
  if (method === "HEAD" || status === 204 || status === 304)
    return { body: Buffer.alloc(0), wireBytes: 0, complete: true };
  if (/^transfer-encoding: *chunked/im.test(head)) return parseChunks(rest);
  const length = /^content-length: *(\d+)/im.exec(head)?.[1];
  if (length === undefined) return { body: rest, wireBytes: rest.length, complete: true };
  const body = rest.subarray(0, Number(length));
  return { body, wireBytes: body.length, complete: body.length === Number(length) };
}

function parseChunks(rest: Buffer): WireBody {
  const chunks: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = rest.indexOf("\r\n", at);
    if (lineEnd === -1) return { body: Buffer.concat(chunks), wireBytes: at, complete: false };
    const size = Number.parseInt(rest.subarray(at, lineEnd).toString("latin1"), 16);
    at = lineEnd + 2;
    if (size === 0) break;
    chunks.push(rest.subarray(at, at + size));
    if (rest.length < at + size + 2) return { body: Buffer.concat(chunks), wireBytes: rest.length, complete: false };
    at += size + 2;
  }
  // Trailers, up to an empty line.
  for (;;) {
    const lineEnd = rest.indexOf("\r\n", at);
    if (lineEnd === -1) return { body: Buffer.concat(chunks), wireBytes: rest.length, complete: false };
    const empty = lineEnd === at;
    at = lineEnd + 2;
    if (empty) return { body: Buffer.concat(chunks), wireBytes: at, complete: true };
  }
}
