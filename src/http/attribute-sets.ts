/**
 * The attribute sets of our HTTP metrics: made once, frozen, found again cheaply, and bounded.
 */

import type { Attributes } from "@opentelemetry/api";
import type { Exchange } from "./exchange.ts";
import { routeOf } from "./route-metadata.ts";

/** `error.type` of a request whose response could not be sent whole. */
export const ABORTED_ERROR_TYPE = "aborted";

/** Methods of the semantic conventions and RFC 10008 (QUERY), as instrumentation-http knows them. */
const KNOWN_METHODS: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "DELETE",
  "CONNECT",
  "OPTIONS",
  "TRACE",
  "PATCH",
  "QUERY",
]);
const OTHER_METHOD = "_OTHER";
const DEFAULT_METHOD = "GET";

/** Versions that Node's parser lets through; a place in a lookup key. */
const VERSIONS: readonly string[] = ["1.1", "1.0", "0.9", "2.0"];
const STATUS_CODES = 1000;
const VARIANTS = 4;

/** One attribute set with what waits to be added to its counters. */
export interface AttributeSet {
  /** Those of `http.server.request.duration`. The SDK keeps the object by reference: frozen. */
  readonly attributes: Attributes;
  /** Those of `bandwidth.http.server.io`, one object a direction. */
  readonly receiveAttributes: Attributes;
  readonly transmitAttributes: Attributes;
  receivedBytes: number;
  transmittedBytes: number;
  /** Whether the counters were touched since the last collection. */
  touched: boolean;
}

/** Attribute sets by route, then by everything small, then by method. */
type ByMethod = Map<string, AttributeSet>;
type ByRoute = Map<string | undefined, Map<number, ByMethod>>;

/** Finds the attribute set of an exchange; never keeps more than `limit` sets with a route. */
export class AttributeSets {
  limit: number;
  readonly #sets: ByRoute = new Map();
  #count = 0;

  /** At most `limit` sets. The few there can be without a route are kept past the limit, so that nothing is lost. */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** How many sets are kept. */
  get size(): number {
    return this.#count;
  }

  /** The set of a settled exchange. Past the limit it is the set without the route: totals stay exact. */
  of(exchange: Exchange): AttributeSet {
    const route = routeOf(exchange);
    const variant = variantOf(exchange);
    const method = normalizedMethod(exchange.request.method);
    const known = this.#sets.get(route)?.get(variant)?.get(method);
    if (known !== undefined) return known;
    if (route === undefined || this.#count < this.limit) return this.#add(exchange, route, variant, method);
    return this.#sets.get(undefined)?.get(variant)?.get(method) ?? this.#add(exchange, undefined, variant, method);
  }

  #add(exchange: Exchange, route: string | undefined, variant: number, method: string): AttributeSet {
    const set = attributeSet(exchange, route, method);
    const byVariant = getOrAdd(this.#sets, route, () => new Map<number, ByMethod>());
    getOrAdd(byVariant, variant, () => new Map<string, AttributeSet>()).set(method, set);
    this.#count += 1;
    return set;
  }
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

/** Status, scheme, abort and version in one integer: numbers are cheap to look up. */
function variantOf(exchange: Exchange): number {
  const status = exchange.headSent ? exchange.response.statusCode : 0;
  const flags = (exchange.aborted ? 1 : 0) + (exchange.connection.scheme === "https" ? 2 : 0);
  return status + STATUS_CODES * (flags + VARIANTS * (VERSIONS.indexOf(exchange.request.httpVersion) + 1));
}

/** The names and values of instrumentation-http's duration, so that series join. */
function attributeSet(exchange: Exchange, route: string | undefined, method: string): AttributeSet {
  const status = exchange.headSent ? exchange.response.statusCode : undefined;
  const errorType = errorTypeOf(exchange.aborted, status);
  const message = {
    "http.request.method": method,
    ...(status === undefined ? {} : { "http.response.status_code": status }),
    ...(route === undefined ? {} : { "http.route": route }),
  };
  return {
    // In the order of the alphabet: the SDK sorts the keys of every measurement, and sorted ones cost least.
    attributes: Object.freeze({
      ...(errorType === undefined ? {} : { "error.type": errorType }),
      ...message,
      "network.protocol.version": exchange.request.httpVersion,
      "url.scheme": exchange.connection.scheme,
    }),
    receiveAttributes: Object.freeze({ ...message, "network.io.direction": "receive" }),
    transmitAttributes: Object.freeze({ ...message, "network.io.direction": "transmit" }),
    receivedBytes: 0,
    transmittedBytes: 0,
    touched: false,
  };
}

function errorTypeOf(aborted: boolean, status: number | undefined): string | undefined {
  if (aborted) return ABORTED_ERROR_TYPE;
  return status !== undefined && status >= 500 && status < 600 ? String(status) : undefined;
}

function normalizedMethod(method: string | undefined): string {
  if (method === undefined) return DEFAULT_METHOD;
  if (KNOWN_METHODS.has(method)) return method;
  const upper = method.toUpperCase();
  return KNOWN_METHODS.has(upper) ? upper : OTHER_METHOD;
}
