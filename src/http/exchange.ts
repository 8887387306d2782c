/**
 * One HTTP request and its response on one connection: the counts that the hooks add to while it lives.
 */
/* oxlint-disable no-underscore-dangle -- the underscored names are Node's */

import type { IncomingMessage, ServerResponse } from "node:http";
import { ChunkFrames } from "./chunk-frames.ts";
import type { Connection } from "./connection.ts";
import type { OutgoingInternals } from "./node-internals.ts";
import type { FrameworkRoute, RouteMetadata } from "./route-metadata.ts";

/**
 * Where a request and a response carry their {@link Exchange}. Registered, so that `setHttpRoute` of a second copy of this
 * package reaches the exchange of the copy that counts.
 */
export const EXCHANGE: unique symbol = Symbol.for("otel-bandwidth.http.exchange") as never;

/** A message that may be counted. */
export interface Counted {
  [EXCHANGE]?: Exchange | undefined;
}

const LINE_END_BYTES = 2;
const HEADER_SEPARATOR_BYTES = 2;
const CONTINUE_BYTES = "HTTP/1.1 100 Continue\r\n\r\n".length;
/** The two spaces and `HTTP/` of a request line. */
const REQUEST_LINE_EXTRA_BYTES = 7;

/** The counts of one exchange. All sizes are bytes. */
export class Exchange {
  readonly connection: Connection;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Frameworks rewrite `request.url`; the length of what came is kept. */
  readonly urlBytes: number;
  requestBodyBytes: number = 0;
  responseBodyBytes: number = 0;
  /** The chunks of a chunked response. */
  #frames: ChunkFrames | undefined = undefined;
  /** Written while corked: Node sends it as one chunk. */
  corkedBytes: number = 0;
  /** Whole messages, known when the exchange settles. */
  receivedBytes: number = 0;
  transmittedBytes: number = 0;
  /** The response was handed to the kernel. */
  finished: boolean = false;
  aborted: boolean = false;
  /** Whether any byte of the final response head left. */
  headSent: boolean = false;
  settled: boolean = false;
  /** Set by `setHttpRoute`; it wins over the metadata. */
  route: string | undefined = undefined;
  routeMetadata: RouteMetadata | undefined = undefined;
  /** What the framework itself says; it counts when nothing else names the route. */
  frameworkRoute: FrameworkRoute | undefined = undefined;

  /** An exchange whose request head has just been parsed. */
  constructor(connection: Connection, request: IncomingMessage, response: ServerResponse) {
    this.connection = connection;
    this.request = request;
    this.response = response;
    this.urlBytes = request.url?.length ?? 0;
  }

  /**
   * Bytes of the request as parsed: its line and headers, as a client writes them that puts one space after each colon, and
   * its body without framing.
   */
  parsedBytes(): number {
    const { method, httpVersion, rawHeaders } = this.request;
    let bytes = (method?.length ?? 0) + this.urlBytes + httpVersion.length + REQUEST_LINE_EXTRA_BYTES;
    for (const text of rawHeaders) bytes += text.length;
    bytes += (rawHeaders.length / 2) * (HEADER_SEPARATOR_BYTES + LINE_END_BYTES);
    return bytes + LINE_END_BYTES + LINE_END_BYTES + this.requestBodyBytes;
  }

  /** The response head with a `100 Continue` before it, 0 before the head exists. */
  responseHeadBytes(): number {
    const internals = this.response as unknown as OutgoingInternals;
    return (internals._header?.length ?? 0) + (internals._sent100 === true ? CONTINUE_BYTES : 0);
  }

  /** Adds a body chunk that Node accepted. */
  addResponseBody(bytes: number, corked: boolean): void {
    this.responseBodyBytes += bytes;
    if (bytes === 0 || (this.response as unknown as OutgoingInternals).chunkedEncoding !== true) return;
    if (corked) this.corkedBytes += bytes;
    else this.#addFrame(bytes);
  }

  /** Accounts for what was corked, once Node sends it as one chunk. */
  closeCorkedChunk(): void {
    if (this.corkedBytes === 0) return;
    this.#addFrame(this.corkedBytes);
    this.corkedBytes = 0;
  }

  /** Adds the last chunk and the trailers of a chunked response that ended. */
  addLastChunk(): void {
    const internals = this.response as unknown as OutgoingInternals;
    if (internals.chunkedEncoding !== true || internals._hasBody === false) return;
    this.#frames ??= new ChunkFrames();
    this.#frames.end(internals._trailer?.length ?? 0);
  }

  /** The whole response as it was written, whether it left or not. */
  writtenBytes(): number {
    return this.responseHeadBytes() + this.responseBodyBytes + (this.#frames?.framingBytes ?? 0);
  }

  /** Takes back the body bytes that did not leave, when only `transmittedBytes` of the whole response did. */
  clip(transmittedBytes: number): void {
    const unsent = Math.max(0, this.writtenBytes() - transmittedBytes);
    const unsentBody = this.#frames === undefined ? unsent : this.#frames.unsentBodyBytes(unsent);
    this.responseBodyBytes = Math.max(0, this.responseBodyBytes - unsentBody);
  }

  #addFrame(bytes: number): void {
    this.#frames ??= new ChunkFrames();
    this.#frames.add(bytes);
  }
}
