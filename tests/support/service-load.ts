/** Services under load for tests of faults: what they were told is taken in must be in the totals, to the byte. */
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "vitest";
import { otlpRequest, type TestMetric } from "./otlp-request.ts";
import { nextNanos, nowNanos, postMetrics } from "./send-metrics.ts";

const SENDERS = 4;
const PAUSE_MILLIS = 20;

/** What services send beside their counts, and how. */
export interface ServiceLoadOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Metrics in every request that no total must change by. */
  readonly uncounted?: readonly TestMetric[];
}

/**
 * Services that each count bytes in as a growing counter and bytes out as deltas. They repeat a request until it is
 * acknowledged with 200, on 503 and when nothing answers; any other answer rejects `end`.
 */
export class ServiceLoad {
  acknowledgedIn = 0n;
  acknowledgedOut = 0n;
  requests = 0;
  repetitions = 0;
  readonly #origin: string;
  readonly #options: ServiceLoadOptions;
  readonly #senders: Promise<void>[];
  #ending = false;
  #gaveUp = false;

  constructor(origin: string, options: ServiceLoadOptions = {}) {
    this.#origin = origin;
    this.#options = options;
    this.#senders = Array.from({ length: SENDERS }, (_, sender) => this.#run(`service-${sender}`));
  }

  /** Resolves when this many more requests were acknowledged; rejects when that takes longer. */
  async acknowledges(count: number, timeoutMillis = 20_000): Promise<void> {
    const goal = this.requests + count;
    await expect.poll(() => this.requests, { timeout: timeoutMillis, interval: 10 }).toBeGreaterThanOrEqual(goal);
  }

  /** Ends when what is under way is acknowledged, and tells the totals that must be. */
  async end(): Promise<Record<string, bigint>> {
    this.#ending = true;
    await Promise.all(this.#senders);
    return { wire_bytes_in: this.acknowledgedIn, wire_bytes_out: this.acknowledgedOut };
  }

  /** Ends at once, for a test that failed. */
  giveUp(): void {
    this.#ending = true;
    this.#gaveUp = true;
  }

  async #run(service: string): Promise<void> {
    const start = nowNanos();
    let total = 0n;
    for (let count = 1n; !this.#ending; count++) {
      const [received, sent] = [1000n + count, 10n + count];
      total += received;
      await this.#deliver(requestOf(service, start, total, sent, this.#options.uncounted));
      this.acknowledgedIn += received;
      this.acknowledgedOut += sent;
      this.requests++;
    }
  }

  async #deliver(body: Uint8Array): Promise<void> {
    while (!this.#gaveUp) {
      const status = await postMetrics(this.#origin, body, this.#options.headers).then(
        (answer) => answer.status,
        () => undefined,
      );
      if (status === 200) return;
      if (status !== 503 && status !== undefined) throw new Error(`answered ${status}`);
      this.repetitions++;
      await pause(PAUSE_MILLIS);
    }
  }
}

function requestOf(
  service: string,
  start: bigint,
  received: bigint,
  sent: bigint,
  uncounted: readonly TestMetric[] = [],
): Uint8Array {
  const time = nextNanos();
  const attributes = (direction: string) => ({ "network.io.direction": direction });
  const name = "bandwidth.http.server.io";
  return otlpRequest([
    {
      attributes: { "service.name": service },
      metrics: [
        { name, unit: "By", sum: [{ attributes: attributes("receive"), start, time, value: received }] },
        {
          name,
          unit: "By",
          temporality: "delta",
          sum: [{ attributes: attributes("transmit"), start: time - 1000n, time, value: sent }],
        },
        ...uncounted,
      ],
    },
  ]);
}
