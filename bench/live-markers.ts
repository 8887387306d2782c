/**
 * Points that are found again in `/api/live` by their service's name: from the 2xx until a receiver shows them is how late
 * the live figures are.
 */
import { serviceSlot, shardOf } from "../src/model/slot.ts";

/** More than any service of the load: a marker is among the endpoints with most bytes. */
const MARKER_BYTES = 1e12;
const POLL_MILLIS = 50;
const RESEND_MILLIS = 1000;
/** Each is one point. */
const NAMESPACE = "marker";

/** Sends markers and waits for them. */
export class LiveMarkers {
  /** Points that were answered with 200, sent again or not. */
  sent = 0;
  readonly #startMillis: number;
  #made = 0;

  /** `startMillis` is when the services of the markers started: after the receivers' first migration. */
  constructor(startMillis: number) {
    this.#startMillis = startMillis;
  }

  /** How late `count` markers are shown, milliseconds each; they are sent `apartMillis` apart. Rejects after `maxMillis`. */
  async latencies(options: {
    readonly url: string;
    readonly liveOrigin: string;
    readonly count: number;
    readonly apartMillis: number;
    readonly maxMillis: number;
  }): Promise<readonly number[]> {
    const accepted = new Map<string, number>();
    const deadline = performance.now() + options.maxMillis;
    const sending = (async () => {
      for (let index = 0; index < options.count; index += 1) {
        const service = this.#nextService();
        while (!(await this.#send(options.url, service)) && performance.now() < deadline) await pause(POLL_MILLIS);
        accepted.set(service, performance.now());
        await pause(options.apartMillis);
      }
    })();
    const shown: number[] = [];
    while (shown.length < options.count) {
      if (performance.now() > deadline) throw new Error(`${options.count - shown.length} markers were not shown`);
      const services = await shownServices(options.liveOrigin);
      for (const [service, acceptedAt] of accepted) {
        if (!services.has(service)) continue;
        shown.push(performance.now() - acceptedAt);
        accepted.delete(service);
      }
      await pause(POLL_MILLIS);
    }
    await sending;
    return shown;
  }

  /**
   * Milliseconds until a new point of every shard is shown, answers of 503 included. The points are sent again every
   * second: who has just taken a shard over may have shown one and let it expire. Rejects after `maxMillis`.
   */
  async untilAllShards(options: {
    readonly url: string;
    readonly liveOrigin: string;
    readonly shards: number;
    readonly maxMillis: number;
  }): Promise<number> {
    const start = performance.now();
    const missing = new Set(
      Array.from({ length: options.shards }, (_, shard) => this.#serviceOfShard(shard, options.shards)),
    );
    let sentAt = Number.NEGATIVE_INFINITY;
    while (missing.size > 0) {
      if (performance.now() - start > options.maxMillis) throw new Error(`${missing.size} shards show nothing new`);
      if (performance.now() - sentAt >= RESEND_MILLIS) {
        sentAt = performance.now();
        for (const service of missing) await this.#send(options.url, service);
      }
      for (const service of await shownServices(options.liveOrigin)) missing.delete(service);
      await pause(POLL_MILLIS);
    }
    return performance.now() - start;
  }

  #nextService(): string {
    this.#made += 1;
    return `marker-${this.#made}`;
  }

  #serviceOfShard(shard: number, shards: number): string {
    for (;;) {
      const service = this.#nextService();
      if (shardOf(serviceSlot(NAMESPACE, service, ""), shards) === shard) return service;
    }
  }

  async #send(url: string, service: string): Promise<boolean> {
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(markerOf(service, this.#startMillis, Date.now())),
      });
      await response.arrayBuffer();
      if (response.status === 200) this.sent += 1;
      return response.status === 200;
    } catch {
      return false;
    }
  }
}

function markerOf(service: string, startMillis: number, timeMillis: number): unknown {
  const text = (key: string, stringValue: string): unknown => ({ key, value: { stringValue } });
  const point = {
    startTimeUnixNano: `${startMillis}000000`,
    timeUnixNano: `${timeMillis}000000`,
    // Grows with time, as a counter does that is told again.
    count: String(1 + timeMillis - startMillis),
    sum: MARKER_BYTES + (timeMillis - startMillis) * 1e6,
    bucketCounts: [],
    explicitBounds: [],
    attributes: [text("http.request.method", "GET"), text("http.route", "/marker")],
  };
  const histogram = { aggregationTemporality: 2, dataPoints: [point] };
  const metrics = [{ name: "http.server.response.body.size", unit: "By", histogram }];
  const attributes = [text("service.namespace", NAMESPACE), text("service.name", service)];
  return { resourceMetrics: [{ resource: { attributes }, scopeMetrics: [{ metrics }] }] };
}

async function shownServices(liveOrigin: string): Promise<ReadonlySet<string>> {
  try {
    const response = await fetch(`${liveOrigin}/api/live`);
    const view = (await response.json()) as { http?: { topEndpoints: readonly { service: string }[] } };
    return new Set(view.http?.topEndpoints.map(({ service }) => service));
  } catch {
    return new Set();
  }
}

function pause(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}
