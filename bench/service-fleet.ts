/**
 * Many services that export the same number of times: a few of them are kept as messages, the others are copies under another name.
 * So the load of a million series fits into memory, and no two bodies of a pass are equal.
 */
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { ServiceMetrics, type ServiceTotals } from "./service-metrics.ts";

/** Routes of each service; a route is a series of five streams. */
export const ROUTES_PER_SERVICE = 50;
/** Points of each request: one service exports all it has. */
export const POINTS_PER_REQUEST: number = ROUTES_PER_SERVICE * 5;

const TEMPLATES = 16;
const NAME_DIGITS = 7;
const COMPRESSED_AT_ONCE = 32;

const compress = promisify(gzip);

/** The services, and what they have exported. */
export class ServiceFleet {
  readonly serviceCount: number;
  readonly #templates: readonly Template[];
  #timeMillis: number;
  #passes = 0;

  /** `startMillis` is when all of them started. */
  constructor(serviceCount: number, startMillis: number) {
    this.serviceCount = serviceCount;
    this.#timeMillis = startMillis;
    this.#templates = Array.from({ length: Math.min(TEMPLATES, serviceCount) }, (_, index) => {
      const metrics = new ServiceMetrics(serviceName(0), ROUTES_PER_SERVICE, startMillis, index + 1);
      return { metrics, services: Math.ceil((serviceCount - index) / TEMPLATES) };
    });
  }

  /** Every service exports once, `nowMillis` or a millisecond after the pass before. The bodies are compressed as SDKs do. */
  async pass(nowMillis: number): Promise<Buffer[]> {
    this.#timeMillis = Math.max(this.#timeMillis + 1, nowMillis);
    this.#passes += 1;
    const messages = this.#templates.map(({ metrics }) => metrics.export(this.#timeMillis));
    const nameAt = messages.map((message) => message.indexOf(serviceName(0)));
    const bodies: Buffer[] = [];
    while (bodies.length < this.serviceCount) {
      const count = Math.min(COMPRESSED_AT_ONCE, this.serviceCount - bodies.length);
      const plain = Array.from({ length: count }, (_, offset) => {
        const service = bodies.length + offset;
        const copy = Buffer.from(messages[service % TEMPLATES]!);
        copy.write(serviceName(service), nameAt[service % TEMPLATES]!, "latin1");
        return copy;
      });
      bodies.push(...(await Promise.all(plain.map((body) => compress(body)))));
    }
    return bodies;
  }

  /** What all exports so far add up to. */
  totals(): ServiceTotals {
    const sum: ServiceTotals = {
      requests: 0,
      requestBodyBytes: 0,
      responseBodyBytes: 0,
      wireBytesIn: 0,
      wireBytesOut: 0,
    };
    // What a service has counted before its first export counts with that one.
    if (this.#passes === 0) return sum;
    for (const { metrics, services } of this.#templates) {
      for (const name of Object.keys(sum) as (keyof ServiceTotals)[]) sum[name] += services * metrics.totals[name];
    }
    return sum;
  }
}

interface Template {
  readonly metrics: ServiceMetrics;
  /** How many services are copies of it, itself included. */
  readonly services: number;
}

function serviceName(service: number): string {
  return `service-${String(service).padStart(NAME_DIGITS, "0")}`;
}
