/**
 * The attribute sets of our HTTP metrics: made once, frozen, found again cheaply, and bounded.
 */

import type { Attributes } from "@opentelemetry/api";
import type { Exchange } from "./exchange.ts";
import { KNOWN_METHODS, OTHER_METHOD } from "./request-method.ts";
import { routeOf } from "./route-metadata.ts";

/** `error.type` of a request whose response could not be sent whole. */
export const ABORTED_ERROR_TYPE = "aborted";

/** The places of methods in a key. */
const METHOD_PLACES: ReadonlyMap<string, number> = new Map(KNOWN_METHODS.map((method, place) => [method, place]));
const OTHER_METHOD_PLACE = KNOWN_METHODS.length;
const DEFAULT_METHOD = "GET";

const STATUS_CODES = 1000;
const VARIANTS = 4;
const VERSIONS: readonly string[] = ["1.1", "1.0", "0.9", "2.0"];
/** One more for a version that is none of them. */
const VERSION_PLACES = VERSIONS.length + 1;

/** The attributes of an exchange. Frozen: the SDK keeps them by reference. */
export interface ExchangeAttributes {
  /** Those of `http.server.request.duration`. */
  readonly attributes: Attributes;
  /** Those of `bandwidth.http.server.io`, one object a direction. */
  readonly receiveAttributes: Attributes;
  readonly transmitAttributes: Attributes;
}

/** Finds what belongs to the attributes of an exchange; never keeps more than `limit` sets with a route. */
export class AttributeSets<T extends object> {
  limit: number;
  readonly #make: (attributes: ExchangeAttributes) => T;
  /** By route, then by everything small in one integer: two look-ups a request. */
  readonly #sets = new Map<string | undefined, Map<number, T>>();
  #count = 0;

  /**
   * At most `limit` sets. The few there can be without a route are kept past the limit, so that nothing is lost. `make` is
   * called once a set.
   */
  constructor(limit: number, make: (attributes: ExchangeAttributes) => T) {
    this.limit = limit;
    this.#make = make;
  }

  /** What belongs to a settled exchange. Past the limit it is the set without the route: totals stay exact. */
  of(exchange: Exchange): T {
    const route = routeOf(exchange);
    const variant = variantOf(exchange);
    const known = this.#sets.get(route)?.get(variant);
    if (known !== undefined) return known;
    if (route === undefined || this.#count < this.limit) return this.#add(exchange, route, variant);
    return this.#sets.get(undefined)?.get(variant) ?? this.#add(exchange, undefined, variant);
  }

  #add(exchange: Exchange, route: string | undefined, variant: number): T {
    const set = this.#make(attributesOf(exchange, route));
    const byVariant = this.#sets.get(route);
    if (byVariant === undefined) this.#sets.set(route, new Map([[variant, set]]));
    else byVariant.set(variant, set);
    this.#count += 1;
    return set;
  }
}

/** Method, status, scheme, abort and version in one integer: numbers are cheap to look up. */
function variantOf(exchange: Exchange): number {
  const { request, response, connection } = exchange;
  const status = exchange.headSent ? response.statusCode : 0;
  const flags = (exchange.aborted ? 1 : 0) + (connection.scheme === "https" ? 2 : 0);
  const version = VERSIONS.indexOf(request.httpVersion) + 1;
  return status + STATUS_CODES * (flags + VARIANTS * (version + VERSION_PLACES * methodPlace(request.method)));
}

/** The names and values of instrumentation-http's duration, so that series join. */
function attributesOf(exchange: Exchange, route: string | undefined): ExchangeAttributes {
  const status = exchange.headSent ? exchange.response.statusCode : undefined;
  const errorType = errorTypeOf(exchange.aborted, status);
  const message = {
    "http.request.method": KNOWN_METHODS[methodPlace(exchange.request.method)] ?? OTHER_METHOD,
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
  };
}

function errorTypeOf(aborted: boolean, status: number | undefined): string | undefined {
  if (aborted) return ABORTED_ERROR_TYPE;
  return status !== undefined && status >= 500 && status < 600 ? String(status) : undefined;
}

function methodPlace(method: string = DEFAULT_METHOD): number {
  return METHOD_PLACES.get(method) ?? METHOD_PLACES.get(method.toUpperCase()) ?? OTHER_METHOD_PLACE;
}
