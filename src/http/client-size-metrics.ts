/**
 * Turns settled calls of clients into measurements, with a bound on the attribute sets.
 */

import type { Attributes } from "@opentelemetry/api";
import type { ClientCall } from "./client-call.ts";
import { normalizedMethod } from "./request-method.ts";
import type { BoundHistogram, SizeInstruments } from "./size-instruments.ts";
import { BODY_SIZE_BOUNDARIES } from "./size-metrics.ts";

/** Takes the place of what has too many values. */
const OTHER = "_OTHER";

/** Where the sizes of calls with equal attributes go. */
interface CallSeries {
  readonly requestBody: BoundHistogram;
  readonly responseBody: BoundHistogram;
}

/** The metrics of clients on one set of instruments. */
export class ClientSizeMetrics {
  /** Most attribute sets with a server's name that are kept. */
  maxAttributeSets: number;
  readonly #bind: (attributes: Attributes) => CallSeries;
  readonly #series = new Map<string, CallSeries>();

  /** Makes the instruments; who made `instruments` closes them. */
  constructor(instruments: SizeInstruments, maxAttributeSets: number) {
    this.maxAttributeSets = maxAttributeSets;
    const requestBody = instruments.histogram({
      name: "http.client.request.body.size",
      description: "Size of HTTP client request bodies.",
      boundaries: BODY_SIZE_BOUNDARIES,
    });
    const responseBody = instruments.histogram({
      name: "http.client.response.body.size",
      description: "Size of HTTP client response bodies.",
      boundaries: BODY_SIZE_BOUNDARIES,
    });
    this.#bind = (attributes) => ({ requestBody: requestBody(attributes), responseBody: responseBody(attributes) });
  }

  /** Records a settled call. Past the limit it goes to the set without the server and its error: totals stay exact. */
  record(call: ClientCall): void {
    const series = this.#known(call) ?? this.#known(withoutServer(call)) ?? this.#add(withoutServer(call));
    series.requestBody.record(call.requestBodyBytes);
    series.responseBody.record(call.responseBodyBytes);
  }

  #known(call: ClientCall): CallSeries | undefined {
    const series = this.#series.get(keyOf(call));
    return series === undefined && this.#series.size < this.maxAttributeSets ? this.#add(call) : series;
  }

  #add(call: ClientCall): CallSeries {
    const series = this.#bind(attributesOf(call));
    this.#series.set(keyOf(call), series);
    return series;
  }
}

function keyOf({ method, address, port, scheme, version, status, errorType }: ClientCall): string {
  return `${normalizedMethod(method)} ${scheme} ${address} ${port} ${version} ${status} ${errorType}`;
}

/** The names and values of the duration that instrumentation-http or -undici records, so that series join. */
function attributesOf({ method, address, port, scheme, version, status, errorType }: ClientCall): Attributes {
  // In the order of the alphabet: the SDK sorts the keys of every measurement, and sorted ones cost least.
  return Object.freeze({
    ...(errorType === undefined ? {} : { "error.type": errorType }),
    "http.request.method": normalizedMethod(method),
    ...(status === undefined ? {} : { "http.response.status_code": status }),
    ...(version === undefined ? {} : { "network.protocol.version": version }),
    "server.address": address,
    ...(port === undefined ? {} : { "server.port": port }),
    ...(scheme === undefined ? {} : { "url.scheme": scheme }),
  });
}

function withoutServer(call: ClientCall): ClientCall {
  const { method, scheme, version, status, errorType, requestBodyBytes, responseBodyBytes } = call;
  const bounded = errorType === undefined || errorType === String(status) ? errorType : OTHER;
  const port = undefined;
  return {
    method,
    scheme,
    version,
    status,
    errorType: bounded,
    address: OTHER,
    port,
    requestBodyBytes,
    responseBodyBytes,
  };
}
