/**
 * One service of the load: its `ResourceMetrics` message is encoded once, and every export only writes the grown values
 * into it. All numbers of OTLP metrics are eight bytes wide, so the message never changes its length.
 */
import { BUCKET_COUNT, DURATION_BOUNDS, encodeService, SIZE_BOUNDS, START_MARK, TIME_MARK } from "./encode-service.ts";
import { writeFixed64 } from "./protobuf-writer.ts";

/** What the exports of a service have added up to, to compare with the receiver's totals. */
export interface ServiceTotals {
  requests: number;
  requestBodyBytes: number;
  responseBodyBytes: number;
  wireBytesIn: number;
  wireBytesOut: number;
}

/** A service with so many routes: three histograms and two sums for each. */
export class ServiceMetrics {
  readonly pointCount: number;
  readonly totals: ServiceTotals = {
    requests: 0,
    requestBodyBytes: 0,
    responseBodyBytes: 0,
    wireBytesIn: 0,
    wireBytesOut: 0,
  };
  readonly #message: Buffer;
  readonly #histograms: readonly HistogramFields[];
  readonly #sums: readonly number[];
  readonly #times: readonly number[];
  readonly #random: () => number;

  constructor(name: string, routeCount: number, startMillis: number, seed: number) {
    this.pointCount = routeCount * 5;
    this.#random = randomNumbers(seed);
    this.#message = encodeService(name, routeCount);
    for (const position of positionsOf(this.#message, START_MARK)) writeNanos(this.#message, position, startMillis);
    this.#times = positionsOf(this.#message, TIME_MARK);
    const histogramCount = routeCount * 3;
    this.#histograms = this.#times.slice(0, histogramCount).map((time) => histogramFields(time));
    // as_int follows the time: eight bytes and its own tag.
    this.#sums = this.#times.slice(histogramCount).map((time) => time + 9);
    for (let route = 0; route < routeCount; route += 1) this.#begin(route, routeCount);
  }

  /** The message with the values of the next export. It is written over by the export after it. */
  export(timeMillis: number): Buffer {
    for (const position of this.#times) writeNanos(this.#message, position, timeMillis);
    const routeCount = this.#sums.length / 2;
    for (let route = 0; route < routeCount; route += 1) this.#exchange(route, routeCount);
    return this.#message;
  }

  /** What the route has counted before the first export: a service that runs for long has no small numbers. */
  #begin(route: number, routeCount: number): void {
    const random = this.#random;
    const buckets = Array.from({ length: BUCKET_COUNT }, () => Math.floor(5000 * random() ** 2));
    const requests = buckets.reduce((sum, count) => sum + count, 0);
    this.#fill(route, buckets, requests * (0.05 + random() / 10));
    const requestBytes = Math.floor(requests * random() * 2000);
    this.#fill(routeCount + route, buckets.toReversed(), requestBytes);
    const responseBytes = Math.floor(requests * random() * 100_000);
    this.#fill(2 * routeCount + route, buckets, responseBytes);
    this.#count(route, requests, requestBytes, responseBytes);
  }

  /** Adds a few requests to one route. */
  #exchange(route: number, routeCount: number): void {
    const random = this.#random;
    const requests = 1 + Math.floor(random() * 4);
    let requestBytes = 0;
    let responseBytes = 0;
    for (let request = 0; request < requests; request += 1) {
      const requestSize = Math.floor(random() * 2000);
      const responseSize = Math.floor(random() * 100_000);
      requestBytes += requestSize;
      responseBytes += responseSize;
      this.#observe(route, DURATION_BOUNDS, 0.002 + random() ** 4);
      this.#observe(routeCount + route, SIZE_BOUNDS, requestSize);
      this.#observe(2 * routeCount + route, SIZE_BOUNDS, responseSize);
    }
    this.#count(route, requests, requestBytes, responseBytes);
  }

  #count(route: number, requests: number, requestBytes: number, responseBytes: number): void {
    const wireIn = requestBytes + requests * 300;
    const wireOut = responseBytes + requests * 200;
    addFixed64(this.#message, this.#sums[2 * route]!, wireIn);
    addFixed64(this.#message, this.#sums[2 * route + 1]!, wireOut);
    this.totals.requests += requests;
    this.totals.requestBodyBytes += requestBytes;
    this.totals.responseBodyBytes += responseBytes;
    this.totals.wireBytesIn += wireIn;
    this.totals.wireBytesOut += wireOut;
  }

  #fill(histogram: number, counts: readonly number[], sum: number): void {
    const fields = this.#histograms[histogram]!;
    for (const [bucket, count] of counts.entries()) {
      addFixed64(this.#message, fields.count, count);
      addFixed64(this.#message, fields.buckets + 8 * bucket, count);
    }
    this.#message.writeDoubleLE(sum, fields.sum);
  }

  #observe(histogram: number, bounds: readonly number[], value: number): void {
    const fields = this.#histograms[histogram]!;
    const bucket = bounds.findIndex((bound) => value <= bound);
    addFixed64(this.#message, fields.count, 1);
    addFixed64(this.#message, fields.buckets + 8 * (bucket < 0 ? bounds.length : bucket), 1);
    this.#message.writeDoubleLE(this.#message.readDoubleLE(fields.sum) + value, fields.sum);
  }
}

/** Where the values of a histogram point lie in the message. */
interface HistogramFields {
  readonly count: number;
  readonly sum: number;
  readonly buckets: number;
}

/** They follow the time in the order they are encoded: count, sum, packed bucket counts (tag and one byte of length). */
function histogramFields(time: number): HistogramFields {
  const count = time + 9;
  const sum = count + 9;
  return { count, sum, buckets: sum + 8 + 2 };
}

function positionsOf(message: Buffer, mark: number): number[] {
  const wanted = Buffer.alloc(8);
  writeFixed64(wanted, 0, mark);
  const positions: number[] = [];
  for (let at = message.indexOf(wanted); at >= 0; at = message.indexOf(wanted, at + 8)) positions.push(at);
  return positions;
}

function addFixed64(message: Buffer, position: number, increment: number): void {
  const value = message.readUInt32LE(position) + message.readUInt32LE(position + 4) * 0x1_0000_0000;
  writeFixed64(message, position, value + increment);
}

function writeNanos(message: Buffer, position: number, millis: number): void {
  message.writeBigUInt64LE(BigInt(millis) * 1_000_000n, position);
}

/** Mulberry32: the same load in every run. */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
