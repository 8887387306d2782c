/**
 * One request of `fetch` or of undici, with the response to it.
 */

import { ChunkFrames } from "./chunk-frames.ts";
import { type ClientCall, errorTypeOfStatus } from "./client-call.ts";
import type { FaultGuard } from "./fault-guard.ts";
import type { ServerSocket } from "./node-internals.ts";
import { bytesOf, type SocketBytes } from "./socket-bytes.ts";

const DEFAULT_PORTS: Readonly<Record<string, number>> = { http: 80, https: 443 };
/** undici writes the line end behind a chunk together with what comes next. */
const LINE_END_BYTES = 2;

type Chunk = string | Uint8Array;

/** What the channels of undici publish. Its methods are what undici itself calls for every piece of a body. */
export interface UndiciRequest {
  readonly origin: string | URL;
  readonly path: string;
  readonly method: string;
  /** Null for a body of unknown length, which is then sent in chunks. */
  readonly contentLength?: number | null;
  onBodySent?: (this: unknown, chunk: Chunk) => unknown;
  onData?: (this: unknown, chunk: Uint8Array) => unknown;
}

/** The socket that undici gives to the channel of the sent headers. */
export type UndiciSocket = ServerSocket & { readonly alpnProtocol?: string | false | null };

/** Follows a request; the channels tell when it is over. */
export class UndiciCall implements ClientCall {
  readonly method: string;
  readonly address: string;
  readonly port: number | undefined;
  readonly scheme: string;
  version: string | undefined = undefined;
  status: number | undefined = undefined;
  errorType: string | number | undefined = undefined;
  requestBodyBytes: number = 0;
  responseBodyBytes: number = 0;
  /** Whether the request object tells of bodies; else the channels of pieces do, where this undici has them. */
  readonly wrapped: boolean;
  readonly #frames: ChunkFrames | undefined;
  #bytes: SocketBytes | undefined = undefined;

  /** Begins to count; faults on the way go to `guard`. Throws for an origin that is no URL. */
  constructor(request: UndiciRequest, guard: FaultGuard) {
    const url = new URL(request.path, request.origin);
    this.method = request.method;
    this.scheme = url.protocol.slice(0, -1);
    this.address = url.hostname;
    this.port = url.port === "" ? DEFAULT_PORTS[this.scheme] : Number(url.port);
    this.#frames = request.contentLength === null ? new ChunkFrames() : undefined;
    this.wrapped = this.#wrap(request, guard);
  }

  /** The head was written to `socket`. */
  begin(socket: UndiciSocket): void {
    const isHttp2 = socket.alpnProtocol === "h2";
    this.version = isHttp2 ? "2" : "1.1";
    if (!isHttp2) this.#bytes = bytesOf(socket);
  }

  /** The head of the response is here. */
  respond(status: number): void {
    this.status = status;
    this.errorType = errorTypeOfStatus(status);
  }

  /** Adds a piece of the request's body that was written. */
  send(chunk: Chunk): void {
    const bytes = typeof chunk === "string" ? Buffer.byteLength(chunk) : chunk.byteLength;
    this.requestBodyBytes += bytes;
    // What has left is not known in between: another request may have been on the socket.
    this.#frames?.add(bytes, () => 0);
  }

  /** Adds a piece of the response's body as it came, still compressed. */
  receive(chunk: Uint8Array): void {
    this.responseBodyBytes += chunk.byteLength;
  }

  /** The request failed: what the kernel has not taken is not counted. An abort is no error, as instrumentation-undici has it. */
  fail(error: Error & { readonly code?: string | number }): void {
    if (error.name !== "AbortError") this.errorType = error.code || error.name || "Error";
    const unsent = this.#bytes?.unsent ?? this.requestBodyBytes;
    if (unsent === 0) return;
    const unsentBody = this.#frames === undefined ? unsent : this.#frames.unsentBodyBytes(unsent + LINE_END_BYTES);
    this.requestBodyBytes = Math.max(0, this.requestBodyBytes - unsentBody);
  }

  #wrap(request: UndiciRequest, guard: FaultGuard): boolean {
    const { onBodySent, onData } = request;
    if (typeof onBodySent !== "function" || typeof onData !== "function") return false;
    const send = guard.wrap((chunk: Chunk) => this.send(chunk));
    const receive = guard.wrap((chunk: Uint8Array) => this.receive(chunk));
    request.onBodySent = (chunk) => {
      send(chunk);
      return onBodySent.call(request, chunk);
    };
    request.onData = (chunk) => {
      receive(chunk);
      return onData.call(request, chunk);
    };
    return true;
  }
}
