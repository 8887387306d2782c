/**
 * Where a request's route comes from: `setHttpRoute`, or the RPC metadata that instrumentation-http puts in the context and
 * framework instrumentations (express, koa, hapi, connect, fastify) write the route into.
 */

import { context, createContextKey, ROOT_CONTEXT } from "@opentelemetry/api";
import type { IncomingMessage, Server } from "node:http";
import type { Http2ServerRequest, ServerHttp2Stream } from "node:http2";
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

/** A context that only a context manager can make the active one. */
const PROBE = ROOT_CONTEXT.setValue(createContextKey("otel-bandwidth probe"), true);

const servers = new WeakSet<Server>();

/**
 * Names the route of a request, such as `/users/:id`, for our metrics and, when instrumentation-http runs, for its metrics
 * and span. Call it while the request is handled; the last call wins. Never throws.
 */
export function setHttpRoute(request: IncomingMessage | Http2ServerRequest | ServerHttp2Stream, route: string): void {
  const exchange = (request as Counted)[EXCHANGE];
  if (exchange !== undefined) exchange.route = route;
  const metadata = exchange?.routeMetadata ?? activeMetadata();
  if (metadata !== undefined) metadata.route = route;
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
 * A route of ours is written to the metadata again, because middleware may have overwritten it since.
 */
export function routeOf(exchange: Exchange): string | undefined {
  const { route, routeMetadata } = exchange;
  if (route === undefined) return routeMetadata?.route;
  if (routeMetadata !== undefined) routeMetadata.route = route;
  return route;
}

function hasContextManager(): boolean {
  return context.with(PROBE, () => context.active() === PROBE);
}

function activeMetadata(): RouteMetadata | undefined {
  const metadata = context.active().getValue(RPC_METADATA_KEY) as RouteMetadata | undefined;
  return metadata?.type === HTTP_RPC_TYPE ? metadata : undefined;
}
