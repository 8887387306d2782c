/**
 * What the counting relies on inside Node, named in one place. None of it is documented, so every member may be absent and
 * each use has a way to go on without it.
 */

import type { ClientRequest, IncomingMessage, Server, ServerResponse } from "node:http";
import type { Server as NetServer } from "node:net";
import type { Duplex } from "node:stream";

/** A libuv or TLS stream handle. */
interface StreamHandle {
  readonly bytesWritten?: number;
  /** Bytes that were written but that the kernel has not taken yet. */
  readonly writeQueueSize?: number;
}

/** A connection as the HTTP server sees it: a TCP socket, a TLS socket, or any duplex given to `emit("connection")`. */
export interface ServerSocket extends Duplex {
  readonly bytesRead?: number;
  /** With what waits in JavaScript. */
  readonly bytesWritten?: number;
  /** Bytes handed to the handle: `bytesWritten` without what waits in JavaScript. */
  readonly _bytesDispatched?: number;
  readonly _handle?: StreamHandle | null;
  /** The TCP socket under a TLS socket. */
  readonly _parent?: ServerSocket | null;
  readonly encrypted?: boolean;
  readonly parser?: RequestParser | null;
  readonly server?: NetServer;
}

/** A function in a slot of the parser. */
export type BodyCallback = (this: RequestParser, body: Uint8Array) => unknown;

/** The llhttp binding object; its callbacks sit in numbered slots. Parsers are pooled and shared with clients. */
export interface RequestParser {
  incoming: IncomingMessage | null;
  [slot: number]: BodyCallback | undefined;
}

/** What `OutgoingMessage` keeps to itself. */
export interface OutgoingInternals {
  /** False for HEAD, 204 and 304: writes are then ignored. */
  readonly _hasBody?: boolean;
  /** Start line and headers as sent, latin1. */
  readonly _header?: string | null;
  readonly _trailer?: string;
  /** Body bytes as declared: by the app, else what Node measured when `end` had the whole body. Not to be trusted alone. */
  readonly _contentLength?: number | null;
  readonly chunkedEncoding?: boolean;
  readonly finished: boolean;
  /** What waits in the message because it is not its turn on the socket. */
  readonly outputSize: number;
}

/** The message of `http.server.request.start` and `http.server.response.finish`. */
export interface ServerExchangeMessage {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly socket: ServerSocket;
  readonly server: Server;
}

/** The message of `http.client.request.created`. */
export interface ClientRequestMessage {
  readonly request: ClientRequest;
}

/** The message of `http.client.response.finish`, published when the response's head is here. */
export interface ClientResponseMessage extends ClientRequestMessage {
  readonly response: IncomingMessage;
}
