/**
 * The route of Koa apps: Koa publishes nothing, so a middleware asks for what `@koa/router` has matched.
 */

import type { IncomingMessage } from "node:http";
import { readFrameworkRoute } from "./route-metadata.ts";

/** What is read of Koa's context. */
export interface KoaContext {
  readonly req: IncomingMessage;
}

/** A Koa middleware. */
export type KoaMiddleware = (context: KoaContext, next: () => Promise<unknown>) => Promise<unknown>;

/**
 * Names the route that `@koa/router` matched. Use it once, before the routers: `app.use(koaRoute())`. Requests that match no
 * route have none.
 */
export function koaRoute(): KoaMiddleware {
  return (context, next) => {
    // Asked for when the response is over: the last router to match decides, and an abort may come before the handlers end.
    readFrameworkRoute(context.req, () => {
      const { _matchedRoute: route } = context as { readonly _matchedRoute?: unknown };
      return typeof route === "string" || route instanceof RegExp ? String(route) : undefined;
    });
    return next();
  };
}
