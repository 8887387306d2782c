/**
 * The HTTP server on `BRIDGE_PORT`: what is happening now, as a page and as JSON, and whether the receiver is alive and ready. It reads
 * from ports and knows no other stage.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { messageOf, retryable, success, type Result } from "../model/result.ts";
import type { LivePage } from "./live-page.ts";

/** What the server answers from. */
export interface LiveServerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** When given, `/api/*` asks for it as a bearer token. */
  readonly token?: string | undefined;
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  /** The JSON of `GET /api/live`. */
  readonly live: () => Promise<Result<unknown>>;
  /** The JSON of `GET /api/live/history`. */
  readonly history: () => Promise<Result<unknown>>;
  /** Whether an append would succeed and migrations are done. */
  readonly ready: () => Promise<Result<unknown>>;
}

/** Connections at once; one more is refused. */
const MAX_CONNECTIONS = 1000;

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
    this.#server = options.tls ? createTlsServer(options.tls, handle) : createServer(handle);
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.headersTimeout = 10_000;
    this.#server.requestTimeout = 10_000;
  }

  /** Listens; the port. Retryable `unavailable` when the address cannot be had. */
  listen(): Promise<Result<number>> {
    return new Promise((resolve) => {
      const failed = (error: Error): void => resolve(retryable("unavailable", `cannot listen: ${messageOf(error)}`));
      this.#server.once("error", failed);
      this.#server.listen(this.#options.port, this.#options.host, () => {
        this.#server.off("error", failed);
        resolve(success((this.#server.address() as AddressInfo).port));
      });
    });
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
    const body = `${JSON.stringify(answer.body)}\n`;
    response.writeHead(answer.status, {
      "content-type": "application/json; charset=utf-8",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      ...("headers" in answer ? answer.headers : {}),
    });
    response.end(request.method === "HEAD" ? undefined : body);
    request.resume();
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const path = (request.url ?? "/").split("?", 1)[0]!;
    const route = this.#route(path);
    if (!route) return { status: 404, body: { error: `there is nothing at ${path.slice(0, 200)}` } };
    if (request.method !== "GET" && request.method !== "HEAD") {
      return { status: 405, body: { error: "expected GET" }, headers: { allow: "GET, HEAD" } };
    }
    if (path.startsWith("/api/") && !this.#authorised(request)) {
      return { status: 401, body: { error: "expected a bearer token" }, headers: { "www-authenticate": "Bearer" } };
    }
    const result = await route();
    if (result.kind === "success") return { status: 200, body: result.value };
    return { status: 503, body: { error: result.reason }, headers: { "retry-after": "1" } };
  }

  #route(path: string): (() => Promise<Result<unknown>>) | undefined {
    switch (path) {
      case "/api/live":
        return this.#options.live;
      case "/api/live/history":
        return this.#options.history;
      case "/readyz":
        return this.#options.ready;
      case "/healthz":
        return async () => success({ status: "ok" });
      default:
        return undefined;
    }
  }

  #authorised(request: IncomingMessage): boolean {
    const { token } = this.#options;
    if (token === undefined) return true;
    const [scheme, given] = (request.headers.authorization ?? "").split(" ", 2);
    return scheme?.toLowerCase() === "bearer" && sameText(given ?? "", token);
  }
}

/** Compares in a time that tells nothing of the token. */
function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
