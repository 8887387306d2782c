/**
 * An HTTP/1 exchange as one end sees it: what was written of the message that goes out, a server's response or a client's
 * request, what of that never left, and what came in of the other message's body.
 */
/* oxlint-disable no-underscore-dangle -- the underscored names are Node's */

import type { OutgoingMessage } from "node:http";
import { ChunkFrames } from "./chunk-frames.ts";
import type { OutgoingInternals } from "./node-internals.ts";

/**
 * Where the messages of an exchange that is counted carry their {@link SentMessage}. Registered, so that `setHttpRoute` of a second
 * copy of this package reaches the exchange of the copy that counts.
 */
export const SENT_MESSAGE: unique symbol = Symbol.for("otel-bandwidth.http.exchange") as never;

/** Counts one outgoing message and the body of the incoming one. All sizes are bytes. */
export class SentMessage {
  /** Body bytes of the incoming message. */
  receivedBodyBytes: number = 0;
  /** Body bytes that were written; when the message is settled, those that left. */
  sentBodyBytes: number = 0;
  /** Informational responses (1xx) before the final one. */
  informationalBytes: number = 0;
  /** Written while corked: Node sends it as one chunk. */
  corkedBytes: number = 0;
  /** The string that ended the body, while its length is only declared; the encoding; the bytes before it. */
  #lastString: string | undefined = undefined;
  #lastEncoding: BufferEncoding = "utf8";
  #bytesBeforeLast: number = 0;
  readonly #message: OutgoingMessage & OutgoingInternals;
  /** The chunks of a chunked message. */
  #frames: ChunkFrames | undefined = undefined;

  /** A message of which nothing was written yet. */
  constructor(message: OutgoingMessage) {
    this.#message = message as OutgoingMessage & OutgoingInternals;
  }

  /** Bytes of this message that have left by now; 0 where nobody knows. */
  leftBytes(): number {
    return 0;
  }

  /** Start line and headers with what was sent before them, 0 before the head exists. */
  headBytes(): number {
    return (this.#message._header?.length ?? 0) + this.informationalBytes;
  }

  /** Adds a piece of body that Node accepted. */
  addBody(bytes: number, corked: boolean): void {
    this.sentBodyBytes += bytes;
    if (bytes === 0 || !this.#message.chunkedEncoding) return;
    if (corked) this.corkedBytes += bytes;
    else this.addFrame(bytes);
  }

  /**
   * Adds a string that ends the body. Measuring a string costs more than all else we do for a request, so the declared length
   * of the body stands for it until {@link proveBody}.
   */
  addLastString(text: string, encoding: BufferEncoding): void {
    const { chunkedEncoding, _contentLength: declared } = this.#message;
    if (chunkedEncoding || typeof declared !== "number") {
      this.addBody(Buffer.byteLength(text, encoding), false);
      return;
    }
    this.#lastString = text;
    this.#lastEncoding = encoding;
    this.#bytesBeforeLast = this.sentBodyBytes;
    this.sentBodyBytes = declared;
  }

  /** Keeps a declared length if the whole message left with it, else measures: apps declare wrong lengths. */
  proveBody(transmittedBytes: number | undefined): void {
    if (this.#lastString === undefined) return;
    if (transmittedBytes !== this.writtenBytes())
      this.sentBodyBytes = this.#bytesBeforeLast + Buffer.byteLength(this.#lastString, this.#lastEncoding);
    this.#lastString = undefined;
  }

  /** Accounts for what was corked, once Node sends it as one chunk. */
  closeCorkedChunk(): void {
    if (this.corkedBytes === 0) return;
    this.addFrame(this.corkedBytes);
    this.corkedBytes = 0;
  }

  /** Adds the last chunk and the trailers of a chunked message that ended. */
  addLastChunk(): void {
    if (!this.#message.chunkedEncoding || this.#message._hasBody === false) return;
    this.#frames ??= new ChunkFrames();
    this.#frames.end(this.#message._trailer?.length ?? 0);
  }

  /** The whole message as it was written, whether it left or not. */
  writtenBytes(): number {
    return this.headBytes() + this.sentBodyBytes + (this.#frames?.framingBytes ?? 0);
  }

  /** Takes back the body bytes that did not leave, when only `transmittedBytes` of the whole message did. */
  clip(transmittedBytes: number): void {
    const unsent = Math.max(0, this.writtenBytes() - transmittedBytes);
    const corked = Math.min(unsent, this.corkedBytes);
    const rest = unsent - corked;
    const unsentBody = this.#frames === undefined ? rest : this.#frames.unsentBodyBytes(rest);
    this.sentBodyBytes = Math.max(0, this.sentBodyBytes - corked - unsentBody);
  }

  private addFrame(bytes: number): void {
    this.#frames ??= new ChunkFrames();
    this.#frames.add(bytes, () => this.leftBytes() - this.headBytes());
  }
}
