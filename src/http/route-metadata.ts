/**
 * Where a request's route comes from: `setHttpRoute`; else the RPC metadata that instrumentation-http puts in the context and
 * framework instrumentations (express, koa, hapi, connect, fastify) write the route into; else what the framework itself
 * told us.
 */

import { context, createContextKey } from "@opentelemetry/api";
import type { IncomingMessage, Server } from "node:http";
import type { Http2ServerRequest, Http2Stream } from "node:http2";
import { hasContextManager } from "./context-manager.ts";
import { EXCHANGE, type Counted, type Exchange } from "./exchange.ts";
import type { FaultGuard } from "./fault-guard.ts";

/** The key of `@opentelemetry/core`; context keys are registered symbols, so copies of that package share it. */
const RPC_METADATA_KEY: symbol = createContextKey("OpenTelemetry SDK Context Key RPC_METADATA");
const HTTP_RPC_TYPE = "http";

/** The part of the RPC metadata that is ours to read and write. */
export interface RouteMetadata {
  readonly type?: string;
  route?: string;
}

const servers = new WeakSet<Server>();

/** What a framework says of a route: the pattern, or how to ask for it when the response is over. */
export type FrameworkRoute = string | (() => string | undefined);

/**
 * Names the route of a request, such as `/users/:id`, for our metrics and, when instrumentation-http runs, for its metrics
 * and span. `request` is that of node:http or of the compatibility API of node:http2, or an HTTP/2 stream of a server. Call it
 * while the request is handled; the last call wins. Never throws; what is not a string names nothing.
 */
export function setHttpRoute(request: IncomingMessage | Http2ServerRequest | Http2Stream, route: string): void {
  if (text(route) === undefined) return;
  const exchange = exchangeOf(request);
  if (exchange !== undefined) exchange.route = route;
  const metadata = exchange?.routeMetadata ?? activeMetadata();
  if (metadata !== undefined) metadata.route = route;
}

/** Takes note of the pattern that a framework has matched so far; undefined takes an earlier one back. */
export function setFrameworkRoute(request: IncomingMessage, route: string | undefined): void {
  const exchange = exchangeOf(request);
  if (exchange !== undefined) exchange.frameworkRoute = route;
}

/** Has `read` asked for the route when the response is over. A fault of `read` names nothing. */
export function readFrameworkRoute(request: IncomingMessage, read: () => string | undefined): void {
  const exchange = exchangeOf(request);
  if (exchange !== undefined) exchange.frameworkRoute = read;
}

/**
 * Keeps the metadata object of each request of `server`. Reading the context only when the response ends would find the
 * neighbour's when requests are pipelined, and none when they are aborted. Without a context manager there is no metadata, and
 * requests pay nothing; call it again for each connection, since one may be set later.
 */
export function captureRouteMetadata(server: Server, guard: FaultGuard): void {
  if (servers.has(server) || !hasContextManager()) return;
  servers.add(server);
  server.prependListener("request", (request) => {
    try {
      const exchange = (request as IncomingMessage & Counted)[EXCHANGE];
      if (exchange !== undefined) exchange.routeMetadata = activeMetadata();
    } catch (error) {
      guard.report(error);
    }
  });
}

/**
 * The route of an exchange, undefined if nobody named one. A path never takes its place (semantic conventions, `http.route`).
 * It is written to the metadata, which instrumentation-http reads after us: middleware may have overwritten a route of ours
 * since, and a framework's own is known to nobody else.
 */
export function routeOf(exchange: Exchange): string | undefined {
  const { route, routeMetadata, frameworkRoute } = exchange;
  const chosen = route ?? text(routeMetadata?.route) ?? askedFor(frameworkRoute);
  if (chosen !== undefined && routeMetadata !== undefined) routeMetadata.route = chosen;
  return chosen;
}

function askedFor(route: FrameworkRoute | undefined): string | undefined {
  try {
    return text(typeof route === "function" ? route() : route);
  } catch {
    return undefined;
  }
}

/** Others write here what they like; an attribute is a string. */
function text(route: unknown): string | undefined {
  return typeof route === "string" && route !== "" ? route : undefined;
}

function exchangeOf(request: object | undefined): Exchange | undefined {
  const counted: Counted | undefined = request;
  return counted?.[EXCHANGE];
}

function activeMetadata(): RouteMetadata | undefined {
  const metadata = context.active().getValue(RPC_METADATA_KEY) as RouteMetadata | undefined;
  return metadata?.type === HTTP_RPC_TYPE ? metadata : undefined;
}
