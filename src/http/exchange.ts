/**
 * One HTTP request to a server and its response: what is recorded of it, and the counts that the HTTP/1 hooks add to while it
 * lives.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Connection } from "./connection.ts";
import type { FrameworkRoute, RouteMetadata } from "./route-metadata.ts";
import { SENT_MESSAGE, SentMessage } from "./sent-message.ts";

/** Where a request and a response carry their {@link Exchange}. */
export const EXCHANGE: typeof SENT_MESSAGE = SENT_MESSAGE;

/** A request, response or stream that may be counted. */
export interface Counted {
  [EXCHANGE]?: Exchange | undefined;
}

/** What is recorded of an exchange, whichever version of HTTP it came by. All sizes are bytes. */
export interface Exchange {
  readonly connection: { readonly scheme: "http" | "https" };
  readonly request: { readonly method?: string | undefined; readonly httpVersion: string };
  readonly response: { readonly statusCode: number };
  readonly requestBodyBytes: number;
  readonly responseBodyBytes: number;
  /** Whole messages; 0 where nobody can tell them (HTTP/2). */
  readonly receivedBytes: number;
  readonly transmittedBytes: number;
  readonly aborted: boolean;
  /** Whether any byte of the final response head left. */
  readonly headSent: boolean;
  /** Set by `setHttpRoute`; it wins over the metadata. */
  route: string | undefined;
  routeMetadata: RouteMetadata | undefined;
  /** What the framework itself says; it counts when nothing else names the route. */
  frameworkRoute: FrameworkRoute | undefined;
}

const LINE_END_BYTES = 2;
const HEADER_SEPARATOR_BYTES = 2;
/** The two spaces and `HTTP/` of a request line. */
const REQUEST_LINE_EXTRA_BYTES = 7;

/** An exchange of HTTP/1. */
export class HttpExchange extends SentMessage implements Exchange {
  readonly connection: Connection;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Frameworks rewrite `request.url`; the length of what came is kept. */
  readonly urlBytes: number;
  /** Whole messages, known when the exchange settles. */
  receivedBytes: number = 0;
  transmittedBytes: number = 0;
  /** The response was handed to the kernel. */
  finished: boolean = false;
  aborted: boolean = false;
  headSent: boolean = false;
  settled: boolean = false;
  route: string | undefined = undefined;
  routeMetadata: RouteMetadata | undefined = undefined;
  frameworkRoute: FrameworkRoute | undefined = undefined;

  /** An exchange whose request head has just been parsed. */
  constructor(connection: Connection, request: IncomingMessage, response: ServerResponse) {
    super(response);
    this.connection = connection;
    this.request = request;
    this.response = response;
    this.urlBytes = request.url?.length ?? 0;
  }

  /** Request body bytes that the parser has seen. */
  get requestBodyBytes(): number {
    return this.receivedBodyBytes;
  }

  /** Response body bytes that were written; when the exchange is settled, those that left. */
  get responseBodyBytes(): number {
    return this.sentBodyBytes;
  }

  override leftBytes(): number {
    return this.connection.leftBytes(this);
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
}
