/**
 * One request of a node:http or node:https client, with the response to it.
 */

import { errorMonitor } from "node:events";
import type { ClientRequest, IncomingMessage } from "node:http";
import { type ClientCall, errorTypeOfStatus, type SettleCall } from "./client-call.ts";
import type { FaultGuard } from "./fault-guard.ts";
import type { ServerSocket } from "./node-internals.ts";
import { countParserBodies, countPushedBody } from "./request-bytes.ts";
import { SENT_MESSAGE, SentMessage } from "./sent-message.ts";
import { bytesOf, type SocketBytes } from "./socket-bytes.ts";

const DEFAULT_PORTS: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };

type CountedMessage = (ClientRequest | IncomingMessage) & { [SENT_MESSAGE]?: SentMessage };

/** Follows a request from its making to its `close`, then settles. */
export class NodeClientCall extends SentMessage implements ClientCall {
  readonly method: string;
  readonly scheme: undefined = undefined;
  errorType: string | undefined = undefined;
  readonly #request: ClientRequest;
  #response: IncomingMessage | undefined = undefined;
  #socket: ServerSocket | undefined = undefined;
  #bytes: SocketBytes | undefined = undefined;
  /** Bytes of earlier requests on the same socket. */
  #earlierBytes = 0;

  /** Begins to count `request`, of which nothing was written yet. */
  constructor(request: ClientRequest, settle: SettleCall, guard: FaultGuard) {
    super(request);
    this.#request = request;
    this.method = request.method;
    (request as CountedMessage)[SENT_MESSAGE] = this;
    request.once(
      "socket",
      guard.wrap((socket: unknown) => this.#begin(socket as ServerSocket)),
    );
    request.once(
      errorMonitor,
      guard.wrap((error: unknown) => this.#fail(error)),
    );
    request.once(
      "close",
      guard.wrap(() => {
        this.#end();
        settle(this);
      }),
    );
  }

  /** What Node takes for the host, without brackets. */
  get address(): string {
    return this.#request.host;
  }

  /**
   * The port that was asked for: Node writes it into `Host`. Where the app wrote another `Host`, the port that the socket is
   * connected to.
   */
  get port(): number | undefined {
    const host = this.#request.getHeader("host");
    const [, name, port] = /^(.*?)(?::(\d+))?$/.exec(typeof host === "string" ? host : "") ?? [];
    const standard = DEFAULT_PORTS[this.#request.protocol];
    if (name?.replace(/^\[(.*)\]$/, "$1") === this.address) return port === undefined ? standard : Number(port);
    return (this.#socket as { readonly remotePort?: number } | undefined)?.remotePort ?? standard;
  }

  /** Known with the response. */
  get version(): string | undefined {
    return this.#response?.httpVersion;
  }

  /** Undefined without a response. */
  get status(): number | undefined {
    return this.#response?.statusCode;
  }

  /** Body bytes that were written; when the call is settled, those that left. */
  get requestBodyBytes(): number {
    return this.sentBodyBytes;
  }

  /** Body bytes that the parser has seen, read by the app or not. */
  get responseBodyBytes(): number {
    return this.receivedBodyBytes;
  }

  override leftBytes(): number {
    return this.#bytes === undefined ? 0 : this.#bytes.accepted - this.#earlierBytes;
  }

  /** The head of the response is here. */
  respond(response: IncomingMessage, guard: FaultGuard): void {
    this.#response = response;
    (response as CountedMessage)[SENT_MESSAGE] = this;
    this.errorType = errorTypeOfStatus(response.statusCode ?? 0);
    response.once(
      errorMonitor,
      guard.wrap((error: unknown) => this.#fail(error)),
    );
    if (!countParserBodies(response.socket)) countPushedBody(response);
  }

  #begin(socket: ServerSocket): void {
    this.#socket = socket;
    this.#bytes = bytesOf(socket);
    this.#earlierBytes = this.#bytes.dispatched;
  }

  /** A fault after the response was read is none of this call. */
  #fail(error: unknown): void {
    if (this.#response?.readableEnded !== true) this.errorType = (error as Error).name;
  }

  #end(): void {
    this.proveBody(this.#bytes?.counts === true ? this.leftBytes() : undefined);
    if (this.#bytes === undefined) this.clip(0);
    else if (this.#socket?.destroyed === true && this.#bytes.counts) this.clip(this.leftBytes());
  }
}
