/**
 * Routes of Fastify, from its diagnostics channels.
 */

import type { IncomingMessage } from "node:http";
import type { FaultGuard } from "./fault-guard.ts";
import { setFrameworkRoute } from "./route-metadata.ts";

/** Published for every new instance. */
export const FASTIFY_INITIALIZATION = "fastify.initialization";
/** Published before the handler of a route; not for 404s, nor for requests that a hook or a schema answered. */
export const FASTIFY_HANDLER_START = "tracing:fastify.request.handler:start";

interface FastifyRequest {
  readonly raw: IncomingMessage;
  readonly routeOptions?: { readonly url?: string | undefined };
}

interface Fastify {
  addHook(name: "onRequest", hook: (request: FastifyRequest, reply: unknown, done: () => void) => void): unknown;
}

/**
 * Names routes in the first hook of a new instance: a request that a later hook or a schema refuses has its route too.
 * Instances from before the counting are left to {@link nameFastifyRoute}.
 */
export function observeFastify({ fastify }: { readonly fastify: Fastify }, guard: FaultGuard): void {
  fastify.addHook("onRequest", (request, _reply, done) => {
    try {
      setFrameworkRoute(request.raw, request.routeOptions?.url);
    } catch (error) {
      guard.report(error);
    }
    done();
  });
}

/** Names the route of a request whose handler starts. */
export function nameFastifyRoute({ request }: { readonly request: FastifyRequest }): void {
  setFrameworkRoute(request.raw, request.routeOptions?.url);
}
