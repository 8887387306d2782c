/** The requests of the load: distinct bodies whose values and times grow, so that no receiver may take one for another. */
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { ServiceMetrics, type ServiceTotals } from "./service-metrics.ts";

/** The kinds of request by name. */
export type PayloadName = "a" | "b" | "c";

/** A kind of request. */
export interface PayloadKind {
  readonly name: PayloadName;
  readonly meaning: string;
  /** Routes of each service; five points a route. */
  readonly routes: number;
  /** Services in one request. */
  readonly servicesPerRequest: number;
  /** Services in all. */
  readonly services: number;
  /** Requests sent for each second that a round is asked to last; a little below what one core can take. */
  readonly requestsPerSecond: number;
}

/** The kinds of request. */
export const PAYLOADS: Readonly<Record<PayloadName, PayloadKind>> = {
  a: {
    name: "a",
    meaning: "250 points of one service: 150 histograms of 15 buckets, 100 sums, 6 attributes",
    routes: 50,
    servicesPerRequest: 1,
    services: 40,
    requestsPerSecond: 500,
  },
  b: {
    name: "b",
    meaning: "12,500 points: 50 services of a",
    routes: 50,
    servicesPerRequest: 50,
    services: 50,
    requestsPerSecond: 12,
  },
  c: {
    name: "c",
    meaning: "20 points of one service: 12 histograms, 8 sums",
    routes: 4,
    servicesPerRequest: 1,
    services: 200,
    requestsPerSecond: 2000,
  },
};

/** The times of all exports of a run lie within this of its start: receivers refuse what is far ahead of their clock. */
const TIME_SPAN_MILLIS = 200_000;

const compress = promisify(gzip);

/** Makes the bodies of one run, round by round. */
export class LoadGenerator {
  readonly #kind: PayloadKind;
  readonly #services: readonly ServiceMetrics[];
  readonly #startMillis: number;
  readonly #stepMillis: number;
  #made = 0;

  /** `requestCount` is how many bodies the run will ask for at most; `startMillis` is when its services started. */
  constructor(kind: PayloadKind, requestCount: number, startMillis: number) {
    this.#kind = kind;
    this.#startMillis = startMillis;
    this.#services = Array.from(
      { length: kind.services },
      (_, index) => new ServiceMetrics(`service-${index}`, kind.routes, startMillis, index + 1),
    );
    const exportsOfService = Math.ceil((requestCount * kind.servicesPerRequest) / kind.services) + 1;
    this.#stepMillis = Math.max(1, Math.floor(TIME_SPAN_MILLIS / exportsOfService));
  }

  /** Points in one request. */
  get pointsPerRequest(): number {
    return this.#kind.routes * 5 * this.#kind.servicesPerRequest;
  }

  /** The next body, not compressed: an `ExportMetricsServiceRequest`. */
  next(): Buffer {
    const { services, servicesPerRequest } = this.#kind;
    const messages: Buffer[] = [];
    for (let index = 0; index < servicesPerRequest; index += 1) {
      const exported = this.#made * servicesPerRequest + index;
      const timeMillis = this.#startMillis + (Math.floor(exported / services) + 1) * this.#stepMillis;
      messages.push(this.#services[exported % services]!.export(timeMillis));
    }
    this.#made += 1;
    return Buffer.concat(messages);
  }

  /** The next bodies, compressed as SDKs do. */
  async round(requestCount: number): Promise<Buffer[]> {
    const bodies: Buffer[] = [];
    while (bodies.length < requestCount) {
      const count = Math.min(64, requestCount - bodies.length);
      const plain = Array.from({ length: count }, () => this.next());
      bodies.push(...(await Promise.all(plain.map((body) => compress(body)))));
    }
    return bodies;
  }

  /** What every body made so far adds up to. */
  totals(): ServiceTotals {
    const sum: ServiceTotals = {
      requests: 0,
      requestBodyBytes: 0,
      responseBodyBytes: 0,
      wireBytesIn: 0,
      wireBytesOut: 0,
    };
    for (const { totals } of this.#services) {
      sum.requests += totals.requests;
      sum.requestBodyBytes += totals.requestBodyBytes;
      sum.responseBodyBytes += totals.responseBodyBytes;
      sum.wireBytesIn += totals.wireBytesIn;
      sum.wireBytesOut += totals.wireBytesOut;
    }
    return sum;
  }
}
