/**
 * The route of Hono apps on `@hono/node-server`: Hono publishes nothing, so a middleware asks for the layer that answered.
 */

import type { IncomingMessage } from "node:http";
import { readFrameworkRoute } from "./route-metadata.ts";

/** Paths of middleware that takes every request: not routes. */
const CATCH_ALL: ReadonlySet<string> = new Set(["*", "/*"]);

/** What is read of Hono's context: on Node its `env` holds the request. */
export interface HonoContext {
  readonly env: unknown;
}

/** A Hono middleware. */
export type HonoMiddleware<C extends HonoContext> = (context: C, next: () => Promise<void>) => Promise<void>;

/**
 * Names the route of the handler that answered, with Hono's own `routePath`: `app.use(honoRoute(routePath))`, before the
 * routes, with `import { routePath } from "hono/route"`. Requests that match no route have none. On other runtimes than Node
 * it does nothing.
 */
export function honoRoute<C extends HonoContext>(routePath: (context: C) => string): HonoMiddleware<C> {
  return (context, next) => {
    const request = (context.env as { readonly incoming?: IncomingMessage } | undefined)?.incoming;
    if (request !== undefined) {
      // Asked for when the response is over: Hono keeps the place of the last layer that ran.
      readFrameworkRoute(request, () => {
        const path = routePath(context);
        return CATCH_ALL.has(path) ? undefined : path;
      });
    }
    return next();
  };
}
