/**
 * Routes of Express from 5.3 on, whose router publishes the pattern of every layer it enters. Patterns of mounted routers are
 * put before those of the layers inside them; nothing is taken from `req.baseUrl`, which holds what the client sent.
 */

import type { IncomingMessage } from "node:http";
import { setFrameworkRoute } from "./route-metadata.ts";

/** Published before each middleware, route handler and parameter callback. */
export const EXPRESS_LAYER_START = "tracing:express.router.request:start";

/** How deep routers may be nested; further levels add nothing to a route. */
const MAX_DEPTH = 32;

/** What the router publishes (its README, "Diagnostics"). */
interface LayerMessage {
  /** `next` belongs to the router that is running: it tells one run of a router from another. */
  readonly req: IncomingMessage & { readonly next?: unknown };
  /** Handlers of a route have a method, undefined for `all`. */
  readonly layer?: object;
  /** The pattern that matched: of the route, or of what `use` was given. */
  readonly route?: string | RegExp;
  readonly errorHandler?: boolean;
}

/** One run of a router: what it was mounted under. */
interface RouterRun {
  readonly next: unknown;
  readonly prefix: string;
}

/** Where a request is among nested routers. */
interface Position {
  readonly runs: RouterRun[];
  /** The whole pattern of the layer that was entered last; a router that starts next is mounted there. */
  pattern: string;
}

const positions = new WeakMap<IncomingMessage, Position>();

/**
 * Names the route after the layer that is entered. A middleware that is not mounted on a path has none. Error handlers leave
 * the route of what failed.
 */
export function nameExpressRoute({ req: request, layer, route, errorHandler }: LayerMessage): void {
  if (errorHandler === true) return;
  let position = positions.get(request);
  if (position === undefined) {
    position = { runs: [], pattern: "" };
    positions.set(request, position);
  }
  const pattern = joined(prefixOf(position, request.next), route);
  position.pattern = pattern;
  const isRoute = layer !== undefined && "method" in layer;
  setFrameworkRoute(request, pattern === "" && isRoute ? "/" : pattern || undefined);
}

/** What the running router is mounted under. Routers end in the reverse order of their starts. */
function prefixOf({ runs, pattern }: Position, next: unknown): string {
  const index = runs.findIndex((run) => run.next === next);
  const known = runs[index];
  if (known !== undefined) {
    runs.length = index + 1;
    return known.prefix;
  }
  if (runs.length < MAX_DEPTH) runs.push({ next, prefix: pattern });
  return pattern;
}

function joined(prefix: string, route: string | RegExp | undefined): string {
  const pattern = route === undefined ? "" : String(route);
  if (pattern === "/" || pattern === "") return prefix;
  return pattern.startsWith("/") || prefix === "" ? prefix + pattern : `${prefix}/${pattern}`;
}
