/**
 * The HTTP server on `BRIDGE_PORT`: what is happening now, as a page and as JSON, the receiver's own metrics, and whether it is
 * alive and ready. It reads from ports and knows no other stage.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import { httpStatusOf, isRetryableStatus, RETRY_AFTER_SECONDS } from "../model/answer-table.ts";
import { listenOn } from "../model/listen-on.ts";
import { openConnections } from "../model/open-connections.ts";
import { type Failure, type Retryable, success, type Result } from "../model/result.ts";
import type { LivePage } from "./live-page.ts";
import { isLoopbackHost } from "./loopback-host.ts";

/** What the server answers from. */
export interface LiveServerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /**
   * When given, `/api/*` and `/metrics` ask for it: whether a bearer token is one that may see them. Without it they answer under
   * names of loopback alone.
   */
  readonly authorise?: ((token: string | undefined) => Promise<Result<unknown>>) | undefined;
  /** Connections at once, upgraded ones included; one more is refused. */
  readonly maxConnections: number;
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  /** Told once why a connection could not be taken. */
  readonly faulted: (reason: string) => void;
  /** The JSON of `GET /api/live`. */
  readonly live: () => Promise<Result<unknown>>;
  /** The JSON of `GET /api/live/history`. */
  readonly history: () => Promise<Result<unknown>>;
  /** The text of `GET /metrics`. */
  readonly metrics: () => Promise<Result<PlainText>>;
  /** Whether an append would succeed and migrations are done. */
  readonly ready: () => Promise<Result<unknown>>;
}

/** An answer that is no JSON. */
export class PlainText {
  readonly contentType: string;
  readonly text: string;

  constructor(contentType: string, text: string) {
    this.contentType = contentType;
    this.text = text;
  }
}

/** How often connections that send no request in time are looked for. */
const TIMEOUT_CHECK_MILLIS = 1000;

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Serves the live view. */
export class LiveServer {
  readonly #options: LiveServerOptions;
  readonly #server: Server | TlsServer;
  #page: LivePage | undefined;

  constructor(options: LiveServerOptions) {
    this.#options = options;
    const handle = (request: IncomingMessage, response: ServerResponse): void => void this.#handle(request, response);
    const serverOptions = { connectionsCheckingInterval: TIMEOUT_CHECK_MILLIS };
    this.#server = options.tls
      ? createTlsServer({ ...serverOptions, ...options.tls }, handle)
      : createServer(serverOptions, handle);
    this.#server.maxConnections = options.maxConnections;
    this.#server.headersTimeout = 10_000;
    this.#server.requestTimeout = 10_000;
  }

  /** The server itself, for what shares its port. */
  get http(): Server | TlsServer {
    return this.#server;
  }

  /** Listens; the port. Retryable `unavailable` when the address cannot be had. */
  listen(): Promise<Result<number>> {
    return listenOn(this.#server, this.#options);
  }

  /** Connections that are open now, upgraded ones included. */
  connections(): Promise<number> {
    return openConnections(this.#server);
  }

  /** Serves this page at `/` from now on. */
  setPage(page: LivePage): void {
    this.#page = page;
  }

  /** Uses another certificate for connections to come. */
  setSecureContext(tls: { readonly cert: string; readonly key: string }): void {
    if ("setSecureContext" in this.#server) this.#server.setSecureContext(tls);
  }

  /** Stops listening and ends all connections. */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#page?.handle(request, response)) return;
    const answer = await this.#answer(request).catch(() => ({ status: 500, body: { error: "internal fault" } }));
    const { contentType, text } =
      answer.body instanceof PlainText
        ? answer.body
        : { contentType: "application/json; charset=utf-8", text: `${JSON.stringify(answer.body)}\n` };
    response.writeHead(answer.status, {
      "content-type": contentType,
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      ...("headers" in answer ? answer.headers : {}),
    });
    response.end(request.method === "HEAD" ? undefined : text);
    request.resume();
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const path = (request.url ?? "/").split("?", 1)[0]!;
    const route = this.#route(path);
    if (!route) return { status: 404, body: { error: `there is nothing at ${path.slice(0, 200)}` } };
    if (request.method !== "GET" && request.method !== "HEAD") {
      return { status: 405, body: { error: "expected GET" }, headers: { allow: "GET, HEAD" } };
    }
    const isOpen = !path.startsWith("/api/") && path !== "/metrics";
    if (!isOpen && !this.#options.authorise && !isLoopbackHost(request.headers.host)) return NOT_LOOPBACK;
    const allowed = isOpen ? success(undefined) : await this.#authorised(request);
    const result = allowed.kind === "success" ? await route() : allowed;
    return result.kind === "success" ? { status: 200, body: result.value } : refusalOf(result);
  }

  #route(path: string): (() => Promise<Result<unknown>>) | undefined {
    switch (path) {
      case "/api/live":
        return this.#options.live;
      case "/api/live/history":
        return this.#options.history;
      case "/metrics":
        return this.#options.metrics;
      case "/readyz":
        return this.#options.ready;
      case "/healthz":
        return async () => success({ status: "ok" });
      default:
        return undefined;
    }
  }

  async #authorised({ headers }: IncomingMessage): Promise<Result<unknown>> {
    const { authorise } = this.#options;
    return authorise?.(/^Bearer +(\S+) *$/i.exec(headers.authorization ?? "")?.[1]) ?? success(undefined);
  }
}

/** RFC 9110, 15.5.20. */
const NOT_LOOPBACK: Answer = {
  status: 421,
  body: {
    error:
      "expected localhost, 127.0.0.1 or [::1] as the host: the receiver listens for this machine alone, and asks for an " +
      "admin's token instead when BRIDGE_HOST is another address",
  },
};

function refusalOf(result: Failure | Retryable): Answer {
  const status = httpStatusOf(result);
  const headers: Record<string, string> =
    status === 401
      ? { "www-authenticate": "Bearer" }
      : isRetryableStatus(status)
        ? { "retry-after": String(RETRY_AFTER_SECONDS) }
        : {};
  return { status, body: { error: result.reason }, headers };
}
