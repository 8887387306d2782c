/** A process with an OpenTelemetry SDK: measures, exports at intervals, repeats the same bytes until it gives them up. */
import { otlpRequest, type TestNumberPoint } from "../support/otlp-request.ts";
import { seriesName } from "./entry-contents.ts";
import {
  IncrementSource,
  ioMetric,
  refusedPoint,
  senderNanos,
  type Increments,
  type Sender,
  type SenderWorld,
} from "./sender.ts";

/** How a process exports. */
export interface ExporterOptions {
  readonly service: string;
  readonly routes: readonly string[];
  readonly temporality: "delta" | "cumulative";
  readonly intervalMillis: number;
  /** Tries before an export is given up. */
  readonly attempts: number;
  /** How likely the process starts again between two exports, from zero. */
  readonly restarts: number;
}

interface Measured {
  readonly source: IncrementSource;
  /** Since the start, or since the last export. */
  value: bigint;
}

/** One process. */
export class Exporter implements Sender {
  isDone = false;
  readonly #world: SenderWorld;
  readonly #options: ExporterOptions;
  readonly #routes: ReadonlyMap<string, Measured>;
  #startNanos: bigint;
  #finishing = false;

  constructor(world: SenderWorld, options: ExporterOptions) {
    this.#world = world;
    this.#options = options;
    this.#routes = new Map(options.routes.map((route) => [route, { source: new IncrementSource(), value: 0n }]));
    this.#startNanos = senderNanos(world.time) + 1n;
  }

  start(): void {
    this.#world.time.after(this.#options.intervalMillis * this.#world.random.fraction(), () => this.#export());
  }

  finish(): void {
    this.#finishing = true;
  }

  #export(): void {
    const { random, time } = this.#world;
    const { temporality, service, intervalMillis, restarts } = this.#options;
    const isLast = this.#finishing;
    if (!isLast) this.#measure();
    const [points, increments] = this.#collect(senderNanos(time));
    const next = (): void => {
      if (isLast) {
        this.isDone = true;
        return;
      }
      if (random.chance(restarts)) this.#restart();
      time.after(intervalMillis, () => this.#export());
    };
    if (points.length === 0) {
      next();
      return;
    }
    const body = otlpRequest([{ attributes: { "service.name": service }, metrics: [ioMetric(temporality, points)] }]);
    this.#send(body, increments, 1, next);
  }

  #send(body: Uint8Array, increments: Increments, attempt: number, next: () => void): void {
    const { network, accounting, random, time } = this.#world;
    network.post(this.#options.service, body, (answer) => {
      if (answer === "accepted") {
        accounting.accepted(increments);
        next();
      } else if (attempt < this.#options.attempts || this.#finishing) {
        const wait = Math.min(500 * 2 ** attempt, 5000) * (0.5 + random.fraction());
        time.after(wait, () => this.#send(body, increments, attempt + 1, next));
      } else {
        next();
      }
    });
  }

  #measure(): void {
    for (const measured of this.#routes.values()) {
      if (this.#world.random.chance(0.7)) measured.value += measured.source.next() ?? 0n;
    }
  }

  #collect(now: bigint): readonly [TestNumberPoint[], Increments] {
    const { temporality, service } = this.#options;
    const isDelta = temporality === "delta";
    const points: TestNumberPoint[] = [];
    const increments: (readonly [string, bigint])[] = [];
    for (const [route, measured] of this.#routes) {
      if (measured.value === 0n) continue;
      const direction = isDelta ? "transmit" : "receive";
      const attributes = { "http.route": route, "network.io.direction": direction };
      points.push({ attributes, start: this.#startNanos, time: now, value: measured.value });
      increments.push([seriesName(service, route), measured.value]);
      if (isDelta) measured.value = 0n;
    }
    if (isDelta) this.#startNanos = now;
    if (points.length > 0 && this.#world.random.chance(0.05)) points.push(refusedPoint(now));
    return [points, increments];
  }

  /** What was measured and not exported goes with the process. */
  #restart(): void {
    this.#startNanos = senderNanos(this.#world.time) + 1n;
    for (const measured of this.#routes.values()) measured.value = 0n;
  }
}
