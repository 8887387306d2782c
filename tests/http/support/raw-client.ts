/**
 * A client that keeps every byte it sends and receives, in clear and on the TCP connection. Shares no code with the counter.
 */

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { parseResponses, type WireResponse } from "./wire-messages.ts";

/** What is under TLS or HTTP/2, a TCP connection or again TLS: all its bytes pass through here and are kept. */
export class Wire<T extends Duplex = Duplex> extends Duplex {
  readonly socket: T;
  readonly sent: Buffer[] = [];
  readonly received: Buffer[] = [];
  #muted = false;

  constructor(socket: T) {
    super();
    this.socket = socket;
    socket.on("data", (data: Buffer) => {
      this.received.push(data);
      if (!this.push(data)) socket.pause();
    });
    socket.on("end", () => this.push(null));
    socket.on("error", () => {});
    socket.on("close", () => this.destroy());
  }

  static async open(port: number): Promise<Wire<Socket>> {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    return new Wire(socket);
  }

  get sentBytes(): number {
    return this.sent.reduce((sum, { length }) => sum + length, 0);
  }

  get receivedBytes(): number {
    return this.received.reduce((sum, { length }) => sum + length, 0);
  }

  /** Ends the connection for the other side to see, and sends nothing more: whether a last word is read would be chance. */
  leave(): void {
    this.#muted = true;
    this.socket.end();
  }

  override _read(): void {
    this.socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    if (this.#muted) {
      callback();
      return;
    }
    this.sent.push(Buffer.from(chunk));
    this.socket.write(chunk, () => callback());
  }

  override _final(callback: () => void): void {
    this.socket.end(callback);
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.socket.destroy();
    callback(error);
  }
}

/** A connection whose bytes are all kept. */
export class RawClient {
  /** The TCP connection. */
  readonly socket: Socket;
  readonly #stream: Duplex;
  readonly #wire: Wire<Socket> | undefined;
  readonly #sent: Buffer[] = [];
  readonly #received: Buffer[] = [];
  readonly #closed: Promise<unknown>;
  sentBytes = 0;
  receivedBytes = 0;

  private constructor(stream: Duplex, socket: Socket, wire: Wire<Socket> | undefined) {
    this.#stream = stream;
    this.socket = socket;
    this.#wire = wire;
    stream.on("data", (data: Buffer) => {
      this.#received.push(data);
      this.receivedBytes += data.length;
    });
    stream.on("error", () => {});
    this.#closed = Promise.all([closed(stream), closed(socket)]);
  }

  static async open(port: number): Promise<RawClient> {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    return new RawClient(socket, socket, undefined);
  }

  /** Opens a connection with TLS on it; what {@link sent} and {@link received} give is clear text. */
  static async openTls(port: number, options: ConnectionOptions): Promise<RawClient> {
    const wire = await Wire.open(port);
    const tls = connectTls({ ...options, socket: wire });
    const final = tls._final;
    // A closing alert that answers the server's comes when nobody may read any more.
    tls._final = (callback) => (tls.readableEnded ? callback() : final.call(tls, callback));
    await once(tls, "secureConnect");
    return new RawClient(tls, wire.socket, wire);
  }

  /** Bytes on the TCP connection. */
  get wireSentBytes(): number {
    return this.#wire?.sentBytes ?? this.sentBytes;
  }

  get wireReceivedBytes(): number {
    return this.#wire?.receivedBytes ?? this.receivedBytes;
  }

  send(data: string | Buffer): void {
    const bytes = typeof data === "string" ? Buffer.from(data, "latin1") : data;
    this.#sent.push(bytes);
    this.sentBytes += bytes.length;
    this.#stream.write(bytes);
  }

  /** Stops reading until {@link resume}. */
  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  sent(): Buffer {
    return Buffer.concat(this.#sent);
  }

  received(): Buffer {
    return Buffer.concat(this.#received);
  }

  /** Waits until whole responses to requests of `methods` are here. */
  async responses(methods: readonly string[]): Promise<WireResponse[]> {
    for (;;) {
      const parsed = parseResponses(this.received(), methods);
      if (parsed.length === methods.length && parsed.every(({ complete }) => complete)) return parsed;
      if (this.#stream.destroyed) throw new Error(`the connection ended after ${parsed.length} responses`);
      await this.more();
    }
  }

  /** Waits for more bytes, or for the end. */
  async more(): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#stream.off("data", done).off("close", done);
        resolve();
      };
      this.#stream.once("data", done).once("close", done);
    });
  }

  async closed(): Promise<void> {
    await this.#closed;
  }

  /** Sends the end of what the client has to say. */
  end(): void {
    this.#stream.end();
  }

  async close(): Promise<void> {
    this.end();
    await this.#closed;
  }
}

async function closed(stream: Duplex): Promise<void> {
  if (!stream.closed) await new Promise<void>((resolve) => stream.once("close", () => resolve()));
}
