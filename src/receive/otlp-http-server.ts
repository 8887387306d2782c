/**
 * The OTLP/HTTP server: checks, reads and hands over requests, and answers them. It knows neither OTLP's messages nor the
 * log: both come in as functions.
 * https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */
import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import { Server as NetServer } from "node:net";

import type { BodyContentType } from "../model/ingest-log.ts";
import { type Failure, type FailureCode, messageOf, type Result, type Retryable } from "../model/result.ts";
import { httpStatusOf, RETRY_AFTER_SECONDS, retryAfterSecondsOf } from "../model/answer-table.ts";
import { BodyBudget } from "./body-budget.ts";
import { listenOn } from "../model/listen-on.ts";
import { openConnections } from "../model/open-connections.ts";
import { OutcomeCounts, type RequestOutcome } from "../model/outcome-counts.ts";
import { answerBrokenRequest } from "./broken-request.ts";
import type { OtlpHttpServerOptions } from "./otlp-http-options.ts";
import type { TlsFiles } from "./otlp-server-options.ts";
import { readBody } from "./read-body.ts";
import {
  bodyTooLarge,
  type CheckedRequest,
  checkRequest,
  contentTypeOf,
  type Refusal,
  refusal,
} from "./request-checks.ts";
import { SenderTokens } from "./sender-tokens.ts";

export { DEFAULT_OTLP_HTTP_LIMITS } from "./otlp-http-options.ts";

/** What the server has answered since start. All are whole and only grow. */
export interface OtlpHttpCounts {
  /** Answers by HTTP status. */
  readonly answers: ReadonlyMap<number, number>;
  /** Answers by what became of the request. */
  readonly outcomes: ReadonlyMap<RequestOutcome, number>;
  /** Handlers that threw. */
  readonly handlerErrors: number;
  /** Requests that were no HTTP or came too slowly. */
  readonly brokenRequests: number;
}

const MEDIA_TYPES: Readonly<Record<BodyContentType, string>> = {
  protobuf: "application/x-protobuf",
  json: "application/json",
};

/** One listening server. */
export class OtlpHttpServer {
  readonly #options: OtlpHttpServerOptions;
  readonly #server: Server | TlsServer;
  readonly #tokens: SenderTokens;
  readonly #budget: BodyBudget;
  readonly #answers = new Map<number, number>();
  readonly #outcomes = new OutcomeCounts();
  #handlerErrors = 0;
  #brokenRequests = 0;
  #inFlight = 0;
  #isClosing = false;
  #drained: (() => void) | undefined;

  /** Does not listen yet. Throws on an empty token and on a certificate or key that cannot be read. */
  constructor(options: OtlpHttpServerOptions) {
    this.#options = options;
    this.#tokens = new SenderTokens(options.token, options.tenantTokens);
    this.#budget = new BodyBudget(options.limits.maxInFlightBytes);
    this.#server = makeServer(options);
    this.#server.maxConnections = options.limits.maxConnections;
    this.#server.on("request", (request, response) => void this.#exchange(request, response, false));
    // Without this Node invites every body with 100 Continue before it can be refused.
    this.#server.on("checkContinue", (request, response) => void this.#exchange(request, response, true));
    this.#server.on("clientError", (error, socket) => {
      const encodeStatus = (code: FailureCode, reason: string): Uint8Array =>
        options.encodeStatus("json", code, reason);
      if (answerBrokenRequest(error, socket, encodeStatus)) this.#brokenRequests += 1;
    });
  }

  /** Listens; the port. Retryable `unavailable` when the address cannot be had. */
  listen(): Promise<Result<number>> {
    return listenOn(this.#server, this.#options);
  }

  /** Uses another certificate for connections from now on. Throws on one that cannot be read and on a server without TLS. */
  setSecureContext(tls: TlsFiles): void {
    if (!("setSecureContext" in this.#server)) throw new Error("this server has no TLS");
    this.#server.setSecureContext({ cert: tls.cert, key: tls.key });
  }

  /** What was answered since start. */
  counts(): OtlpHttpCounts {
    return {
      answers: new Map(this.#answers),
      outcomes: this.#outcomes.counts(),
      handlerErrors: this.#handlerErrors,
      brokenRequests: this.#brokenRequests,
    };
  }

  /** Bytes of bodies that are held now. */
  get heldBytes(): number {
    return this.#budget.bytes;
  }

  /** Connections that are open now. */
  connections(): Promise<number> {
    return openConnections(this.#server);
  }

  /**
   * Stops accepting connections, answers 503 to new requests on kept ones, waits for those in flight, at most
   * `deadlineMillis`, and ends all connections. Calling it again waits again.
   */
  async close(deadlineMillis: number): Promise<void> {
    this.#isClosing = true;
    // http's own close would cut kept connections at once: a request on its way there would get no answer.
    if (this.#server.listening) NetServer.prototype.close.call(this.#server);
    if (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        const timer = this.#options.clock.after(deadlineMillis, resolve);
        this.#drained = () => {
          timer.clear();
          resolve();
        };
      });
    }
    this.#server.closeIdleConnections();
    this.#server.closeAllConnections();
    // Ends the server's own timer for time-outs; its error only says that we do not listen any more.
    this.#server.close(() => undefined);
  }

  async #exchange(request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean): Promise<void> {
    this.#inFlight += 1;
    response.once("close", () => {
      this.#inFlight -= 1;
      if (this.#inFlight === 0) this.#drained?.();
    });
    // A connection that breaks while we answer is the sender's to notice.
    response.on("error", () => undefined);
    const contentType = contentTypeOf(request.headers["content-type"]) ?? "json";
    const checked = this.#check(request);
    const refused = "status" in checked ? checked : await this.#accept(request, response, checked, awaitsContinue);
    if (refused !== undefined) this.#answerRefusal(request, response, contentType, refused);
  }

  #check(request: IncomingMessage): CheckedRequest | Refusal {
    if (this.#isClosing) return refusal("unavailable", "the receiver is shutting down");
    const checked = checkRequest(request, { tokens: this.#tokens, maxBodyBytes: this.#options.limits.maxBodyBytes });
    const hasRoom = this.#budget.hasRoomFor(Number(request.headers["content-length"] ?? 0));
    return "status" in checked || hasRoom ? checked : noRoom();
  }

  /** Reads the body and has it handled; the refusal to answer with, if any. */
  async #accept(
    request: IncomingMessage,
    response: ServerResponse,
    checked: CheckedRequest,
    awaitsContinue: boolean,
  ): Promise<Refusal | undefined> {
    const { maxBodyBytes } = this.#options.limits;
    if (awaitsContinue) response.writeContinue();
    const read = await readBody(request, maxBodyBytes, this.#budget);
    if (read.kind === "gone") return undefined;
    if (read.kind === "too_large") return bodyTooLarge(maxBodyBytes);
    if (read.kind === "no_room") return noRoom();
    // The handler may have given the body's memory back when it returns: its length is then 0.
    const heldBytes = read.body.length;
    try {
      const receivedAtMillis = this.#options.clock.nowMillis();
      const result = await this.#options.handler({ ...checked, body: read.body, receivedAtMillis });
      if (result.kind !== "success") return refusalOf(result);
      this.#outcomes.add("accepted");
      this.#send(
        response,
        200,
        checked.contentType,
        this.#options.encodeSuccess(checked.contentType, result.value),
        {},
      );
      return undefined;
    } catch (error) {
      this.#handlerErrors += 1;
      this.#options.faulted(messageOf(error));
      return refusal("internal", "the receiver failed; it can be tried again");
    } finally {
      this.#budget.give(heldBytes);
    }
  }

  #answerRefusal(
    request: IncomingMessage,
    response: ServerResponse,
    contentType: BodyContentType,
    refused: Refusal,
  ): void {
    this.#outcomes.add(refused.code);
    const body = this.#options.encodeStatus(contentType, refused.code, refused.reason);
    if (!request.complete) this.#linger(request, response);
    // A sender of too much is not read to its end: the connection is of no more use.
    const headers = refused.status === 413 ? { ...refused.headers, connection: "close" } : refused.headers;
    this.#send(response, refused.status, contentType, body, headers, request.complete);
  }

  /**
   * Ends an answer that came before the end of the body only when the sender has stopped sending, or cuts it off when it
   * has had its time: closing on unread bytes resets the connection, and many senders then never see the answer.
   */
  #linger(request: IncomingMessage, response: ServerResponse): void {
    const timer = this.#options.clock.after(this.#options.limits.lingerMillis, () => {
      response.end();
      request.socket.destroySoon();
    });
    response.once("close", () => timer.clear());
    request.once("end", () => response.end());
    request.on("error", () => undefined);
    request.resume();
  }

  #send(
    response: ServerResponse,
    status: number,
    contentType: BodyContentType,
    body: Uint8Array,
    headers: Readonly<Record<string, string>>,
    ends: boolean = true,
  ): void {
    this.#answers.set(status, (this.#answers.get(status) ?? 0) + 1);
    const retry = status === 503 ? { "retry-after": String(RETRY_AFTER_SECONDS) } : {};
    const closing = this.#isClosing ? { connection: "close" } : {};
    response.writeHead(status, {
      "content-type": MEDIA_TYPES[contentType],
      "content-length": body.length,
      ...retry,
      ...closing,
      ...headers,
    });
    // Without a body the head goes out alone, in one write of text: most answers are such.
    if (ends && body.length === 0) response.end();
    else if (ends) response.end(body);
    else response.write(body);
  }
}

function noRoom(): Refusal {
  return refusal("overloaded", "too many bytes are being received; try again");
}

function refusalOf(result: Failure | Retryable): Refusal {
  const seconds = retryAfterSecondsOf(result);
  const headers = seconds === undefined ? {} : { "retry-after": String(seconds) };
  return refusal(result.code, result.reason, headers, httpStatusOf(result));
}

function makeServer(options: OtlpHttpServerOptions): Server | TlsServer {
  const { limits, tls } = options;
  const settings: ServerOptions = {
    headersTimeout: limits.headersTimeoutMillis,
    requestTimeout: limits.requestTimeoutMillis,
    keepAliveTimeout: limits.keepAliveTimeoutMillis,
    connectionsCheckingInterval: limits.timeoutCheckMillis,
  };
  return tls === undefined ? createServer(settings) : createTlsServer({ ...settings, cert: tls.cert, key: tls.key });
}
