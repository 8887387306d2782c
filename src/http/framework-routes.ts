/**
 * Routes that frameworks publish on diagnostics channels: no middleware and no instrumentation of the framework is needed.
 */

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { EXPRESS_LAYER_START, nameExpressRoute } from "./express-routes.ts";
import { FASTIFY_HANDLER_START, FASTIFY_INITIALIZATION, nameFastifyRoute, observeFastify } from "./fastify-routes.ts";
import type { FaultGuard } from "./fault-guard.ts";

/** Starts listening to the frameworks; call the returned function to stop. Faults go to `guard`. */
export function followFrameworkRoutes(guard: FaultGuard): () => void {
  const listeners = [
    [EXPRESS_LAYER_START, guard.wrap((message: unknown) => nameExpressRoute(message as never))],
    [FASTIFY_INITIALIZATION, guard.wrap((message: unknown) => observeFastify(message as never, guard))],
    [FASTIFY_HANDLER_START, guard.wrap((message: unknown) => nameFastifyRoute(message as never))],
  ] as const;
  for (const [channel, listener] of listeners) subscribe(channel, listener);
  return () => {
    for (const [channel, listener] of listeners) unsubscribe(channel, listener);
  };
}
