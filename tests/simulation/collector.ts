/**
 * A collector between processes and receivers: it queues delta points of several services and, after an error, may send them
 * again in other batches. So the same point comes in different bodies.
 */
import { otlpRequest } from "../support/otlp-request.ts";
import { seriesName } from "./entry-contents.ts";
import { IncrementSource, ioMetric, senderNanos, type Sender, type SenderWorld } from "./sender.ts";

/** What a collector takes from whom. */
export interface CollectorOptions {
  readonly name: string;
  readonly services: readonly string[];
  readonly intervalMillis: number;
  readonly maxBatchPoints: number;
}

interface QueuedPoint {
  readonly service: string;
  readonly start: bigint;
  readonly time: bigint;
  readonly value: bigint;
}

const ROUTE = "/collected";
/** Batches on their way at once. */
const CONSUMERS = 2;

/** One collector. */
export class Collector implements Sender {
  readonly #world: SenderWorld;
  readonly #options: CollectorOptions;
  readonly #sources: ReadonlyMap<string, IncrementSource>;
  readonly #lastNanos = new Map<string, bigint>();
  #queue: QueuedPoint[] = [];
  #sending = 0;
  #finishing = false;

  constructor(world: SenderWorld, options: CollectorOptions) {
    this.#world = world;
    this.#options = options;
    this.#sources = new Map(options.services.map((service) => [service, new IncrementSource()]));
  }

  get isDone(): boolean {
    return this.#finishing && this.#queue.length === 0 && this.#sending === 0;
  }

  start(): void {
    this.#world.time.after(this.#options.intervalMillis * this.#world.random.fraction(), () => this.#collect());
  }

  finish(): void {
    this.#finishing = true;
  }

  #collect(): void {
    const { time, random } = this.#world;
    if (this.#finishing) return;
    const now = senderNanos(time);
    for (const [service, source] of this.#sources) {
      if (!random.chance(0.7)) continue;
      const value = source.next();
      if (value === undefined) continue;
      const start = this.#lastNanos.get(service) ?? now - 1_000_000n;
      this.#lastNanos.set(service, now);
      this.#queue.push({ service, start, time: now, value });
    }
    this.#send();
    time.after(this.#options.intervalMillis, () => this.#collect());
  }

  #send(): void {
    const { network, accounting, random, time } = this.#world;
    while (this.#sending < CONSUMERS && this.#queue.length > 0) {
      const batch: QueuedPoint[] = [];
      const size = random.whole(1, this.#options.maxBatchPoints);
      while (batch.length < size && this.#queue.length > 0) {
        batch.push(...this.#queue.splice(random.whole(0, this.#queue.length - 1), 1));
      }
      this.#sending++;
      network.post(this.#options.name, encode(batch), (answer) => {
        if (answer === "accepted") {
          accounting.accepted(batch.map(({ service, value }) => [seriesName(service, ROUTE), value]));
          this.#sending--;
          this.#send();
          return;
        }
        time.after(random.spread(200, 5000), () => {
          this.#queue.push(...batch);
          this.#sending--;
          this.#send();
        });
      });
    }
  }
}

function encode(batch: readonly QueuedPoint[]): Uint8Array {
  const attributes = { "http.route": ROUTE, "network.io.direction": "transmit" };
  return otlpRequest(
    [...Map.groupBy(batch, ({ service }) => service)].map(([service, points]) => ({
      attributes: { "service.name": service },
      metrics: [
        ioMetric(
          "delta",
          points.map(({ start, time, value }) => ({ attributes, start, time, value })),
        ),
      ],
    })),
  );
}
