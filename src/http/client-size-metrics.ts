/**
 * Turns settled calls of clients into measurements, with a bound on the attribute sets.
 */

import type { Attributes } from "@opentelemetry/api";
import { bodySizeHistograms, type BodySizeSeries } from "./body-size-histograms.ts";
import type { ClientCall } from "./client-call.ts";
import { normalizedMethod } from "./request-method.ts";
import type { SizeInstruments } from "./size-instruments.ts";

/** Takes the place of what has too many values. */
const OTHER = "_OTHER";

/** The metrics of clients on one set of instruments. */
export class ClientSizeMetrics {
  /** Most attribute sets with a server's name that are kept. */
  maxAttributeSets: number;
  readonly #bind: (attributes: Attributes) => BodySizeSeries;
  readonly #series = new Map<string, BodySizeSeries>();

  /** Makes the instruments; who made `instruments` closes them. */
  constructor(instruments: SizeInstruments, maxAttributeSets: number) {
    this.maxAttributeSets = maxAttributeSets;
    this.#bind = bodySizeHistograms(instruments, "client");
  }

  /** Records a settled call. Past the limit it goes to the set without the server and its error: totals stay exact. */
  record(call: ClientCall): void {
    const series = this.#known(call) ?? this.#known(withoutServer(call)) ?? this.#add(withoutServer(call));
    series.requestBody.record(call.requestBodyBytes);
    series.responseBody.record(call.responseBodyBytes);
  }

  #known(call: ClientCall): BodySizeSeries | undefined {
    const series = this.#series.get(keyOf(call));
    return series === undefined && this.#series.size < this.maxAttributeSets ? this.#add(call) : series;
  }

  #add(call: ClientCall): BodySizeSeries {
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
