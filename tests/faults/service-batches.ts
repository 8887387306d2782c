/**
 * What the senders send: services that count requests and bytes, cumulatively and as deltas, in sums and histograms. Each
 * batch says what it adds to which row, by the definition of the metrics and not by our code.
 */
import { gzipSync } from "node:zlib";
import { otlpRequest, type TestHistogramPoint, type TestMetric, type TestResource } from "../support/otlp-request.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** Amounts by column; `latency_sum_seconds` in 1024ths, a bucket of the histogram as `bucket:<index>`. */
export type Amounts = Readonly<Record<string, bigint>>;

/** One point of a batch. */
export interface PointRecord {
  readonly temporality: "cumulative" | "delta";
  /** Tells the point's stream from all others. */
  readonly stream: string;
  /** `service|method|route|status` of the row it belongs to. */
  readonly series: string;
  /** Undefined where the receiver sets the time, as it does with points of pages. */
  readonly timeMillis: number | undefined;
  /** What a delta point adds, or what a cumulative stream has counted since its start. */
  readonly amounts: Amounts;
}

/** One export request. Sent again, it is the same bytes. */
export interface Batch {
  readonly name: string;
  /** Protobuf. */
  readonly plain: Uint8Array;
  /** The same, gzip. */
  readonly body: Buffer;
  readonly points: readonly PointRecord[];
}

/** The namespace and environment of all services. */
export const NAMESPACE = "faults";

/** Latency buckets that are used, at the scale that is stored. */
const LATENCY_OFFSET = -160;
const LATENCY_BUCKETS = 6;
const SIZE_BOUNDS: readonly number[] = [100, 1000, 10_000];
/** By how much a stream grows with each batch that passes 2^53 within some batches. */
export const HUGE_STEP: number = 2 ** 49;
const MAX_ROUTES = 40;

let lastNanos = 0n;

/** A time after every one given before in this process, about now. */
function nextNanos(): bigint {
  const now = BigInt(Date.now()) * 1_000_000n;
  lastNanos = now > lastNanos ? now : lastNanos + 1_000_000n;
  return lastNanos;
}

/** One request out of several: protobuf messages are merged by putting one after the other. */
export function mergedBatch(first: Batch, second: Batch): Batch {
  const plain = Buffer.concat([first.plain, second.plain]);
  return {
    name: `${first.name}+${second.name}`,
    plain,
    body: gzipSync(plain),
    points: [...first.points, ...second.points],
  };
}

/** A process that reports for several services, so that its requests are split between shards. */
export class ServiceBatches {
  readonly #services: readonly Service[];
  readonly #name: string;
  #count = 0;

  /** Its streams begin now: what receives them must be ready. */
  constructor(name: string, serviceCount: number, random: SeededRandom, largestStep: number) {
    this.#name = name;
    this.#services = Array.from(
      { length: serviceCount },
      (_, at) => new Service(`${name}-${at}`, random.fork(`${at}`), largestStep),
    );
  }

  /** What happened since the last batch. */
  next(): Batch {
    const time = nextNanos();
    const points: PointRecord[] = [];
    const plain = otlpRequest(this.#services.map((service) => service.report(time, points)));
    return { name: `${this.#name}#${this.#count++}`, plain, body: gzipSync(plain), points };
  }
}

interface Histogram {
  readonly counts: bigint[];
  sum: number;
}

class Service {
  readonly #name: string;
  readonly #random: SeededRandom;
  readonly #largestStep: number;
  readonly #start: bigint = nextNanos();
  #previous: bigint = this.#start;
  #received = 0n;
  readonly #requestSizes: Histogram = { counts: [0n, 0n, 0n, 0n], sum: 0 };
  readonly #durations: Histogram = { counts: Array<bigint>(LATENCY_BUCKETS).fill(0n), sum: 0 };
  readonly #routes = new Map<string, bigint>();
  #routeCount = 0;

  constructor(name: string, random: SeededRandom, largestStep: number) {
    this.#name = name;
    this.#random = random;
    this.#largestStep = largestStep;
  }

  report(time: bigint, points: PointRecord[]): TestResource {
    const metrics = [this.#io(time, points), this.#connectionIo(time, points), this.#requestSize(time, points)];
    metrics.push(this.#responseSize(time, points), this.#duration(time, points), this.#failedDuration(time, points));
    this.#previous = time;
    const attributes = {
      "service.namespace": NAMESPACE,
      "service.name": this.#name,
      "deployment.environment.name": "test",
      "service.instance.id": `${this.#name}-instance`,
    };
    return { attributes, scope: "faults", metrics };
  }

  /** Cumulative: one stream that grows fast, and routes that come up as time goes on. */
  #io(time: bigint, points: PointRecord[]): TestMetric {
    this.#received += BigInt(this.#largestStep) + BigInt(this.#random.integer(1, 1_000_000));
    if (this.#routes.size < MAX_ROUTES && this.#random.chance(0.3))
      this.#routes.set(`/route-${this.#routeCount++}`, 0n);
    for (const [route, value] of this.#routes) {
      if (this.#random.chance(0.5)) this.#routes.set(route, value + BigInt(this.#random.integer(1, 5000)));
    }
    const values: [string, bigint][] = [["/cumulative", this.#received], ...this.#routes];
    const sum = values.map(([route, value]) => {
      this.#note(points, "cumulative", "io", route, 200, time, { wire_bytes_in: value });
      return {
        attributes: { ...http(route, 200), "network.io.direction": "receive" },
        start: this.#start,
        time,
        value,
      };
    });
    return { name: "bandwidth.http.server.io", unit: "By", sum };
  }

  #connectionIo(time: bigint, points: PointRecord[]): TestMetric {
    const value = BigInt(this.#random.integer(1, 1_000_000));
    this.#note(points, "delta", "connection", "/delta", 200, time, { connection_bytes_out: value });
    const attributes = { ...http("/delta", 200), "network.io.direction": "transmit" };
    const sum = [{ attributes, start: this.#previous, time, value }];
    return { name: "bandwidth.http.server.connection.io", unit: "By", temporality: "delta", sum };
  }

  #requestSize(time: bigint, points: PointRecord[]): TestMetric {
    const { counts } = this.#requestSizes;
    for (let left = this.#random.integer(1, 3); left > 0; left--) this.#observeSize(this.#requestSizes);
    const amounts = { request_body_count: total(counts), bytes_in: BigInt(this.#requestSizes.sum) };
    this.#note(points, "cumulative", "request.size", "/cumulative", 200, time, amounts);
    const point = this.#sizePoint(this.#requestSizes, "/cumulative", this.#start, time);
    return { name: "http.server.request.body.size", unit: "By", histogram: [point] };
  }

  #responseSize(time: bigint, points: PointRecord[]): TestMetric {
    const sizes: Histogram = { counts: [0n, 0n, 0n, 0n], sum: 0 };
    for (let left = this.#random.integer(1, 3); left > 0; left--) this.#observeSize(sizes);
    const amounts = { response_body_count: total(sizes.counts), bytes_out: BigInt(sizes.sum) };
    this.#note(points, "delta", "response.size", "/delta", 200, time, amounts);
    const point = this.#sizePoint(sizes, "/delta", this.#previous, time);
    return { name: "http.server.response.body.size", unit: "By", temporality: "delta", histogram: [point] };
  }

  #duration(time: bigint, points: PointRecord[]): TestMetric {
    for (let left = this.#random.integer(1, 3); left > 0; left--) this.#observeDuration(this.#durations);
    this.#note(points, "cumulative", "duration", "/cumulative", 200, time, latencyAmounts(this.#durations));
    const point = durationPoint(this.#durations, http("/cumulative", 200), this.#start, time);
    return { name: "http.server.request.duration", unit: "s", exponential: [point] };
  }

  #failedDuration(time: bigint, points: PointRecord[]): TestMetric {
    const durations: Histogram = { counts: Array<bigint>(LATENCY_BUCKETS).fill(0n), sum: 0 };
    for (let left = this.#random.integer(1, 3); left > 0; left--) this.#observeDuration(durations);
    const amounts = latencyAmounts(durations);
    const failed = { ...amounts, latency_error_count: amounts["latency_count"]! };
    this.#note(points, "delta", "duration", "/delta", 500, time, failed);
    const point = durationPoint(durations, http("/delta", 500), this.#previous, time);
    return { name: "http.server.request.duration", unit: "s", temporality: "delta", exponential: [point] };
  }

  #observeSize(histogram: Histogram): void {
    const size = this.#random.integer(0, 20_000);
    const at = SIZE_BOUNDS.findIndex((bound) => size <= bound);
    histogram.counts[at < 0 ? SIZE_BOUNDS.length : at]! += 1n;
    histogram.sum += size;
  }

  // The sum is what doubles add exactly; it need not agree with the buckets.
  #observeDuration(histogram: Histogram): void {
    histogram.counts[this.#random.integer(0, LATENCY_BUCKETS - 1)]! += 1n;
    histogram.sum += this.#random.integer(1, 4096) / 1024;
  }

  #sizePoint({ counts, sum }: Histogram, route: string, start: bigint, time: bigint): TestHistogramPoint {
    const bucketCounts = [...counts];
    return { attributes: http(route, 200), start, time, count: total(counts), sum, bucketCounts, bounds: SIZE_BOUNDS };
  }

  #note(
    points: PointRecord[],
    temporality: PointRecord["temporality"],
    metric: string,
    route: string,
    status: number,
    time: bigint,
    amounts: Amounts,
  ): void {
    const series = `${this.#name}|GET|${route}|${status}`;
    const timeMillis = Number(time / 1_000_000n);
    points.push({ temporality, stream: `${series}|${metric}`, series, timeMillis, amounts });
  }
}

function http(route: string, status: number): Readonly<Record<string, string | number>> {
  return { "http.request.method": "GET", "http.route": route, "http.response.status_code": status };
}

function total(counts: readonly bigint[]): bigint {
  return counts.reduce((sum, count) => sum + count, 0n);
}

function latencyAmounts({ counts, sum }: Histogram): Amounts {
  const amounts: Record<string, bigint> = {
    latency_count: total(counts),
    latency_sum_seconds: BigInt(sum * 1024),
  };
  for (const [at, count] of counts.entries()) if (count > 0n) amounts[`bucket:${LATENCY_OFFSET + at}`] = count;
  return amounts;
}

function durationPoint(
  { counts, sum }: Histogram,
  attributes: Readonly<Record<string, string | number>>,
  start: bigint,
  time: bigint,
): NonNullable<TestMetric["exponential"]>[number] {
  const bucketCounts = [...counts];
  return { attributes, start, time, count: total(counts), sum, scale: 5, offset: LATENCY_OFFSET, bucketCounts };
}
