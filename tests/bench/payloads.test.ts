/** The load of the bench is what it says it is: else its figures would mean nothing. */
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { LoadGenerator, type PayloadName, PAYLOADS } from "../../bench/payloads.ts";
import type { MetricHeader, MetricVisitor } from "../../src/model/metric-visitor.ts";
import type { PointCursor } from "../../src/model/point-cursor.ts";
import { walkMetrics } from "../../src/otlp/walk-metrics.ts";

const START_MILLIS = 1_700_000_000_000;
const START_NANOS = BigInt(START_MILLIS) * 1_000_000n;

/** Keeps the newest value of every stream: the values are cumulative. */
class NewestValues implements MetricVisitor {
  readonly counts = new Map<string, number>();
  readonly sums = new Map<string, number>();
  readonly times = new Map<string, bigint>();
  kinds: Record<string, number> = {};
  #service = "";
  #metric = "";

  resource(body: Uint8Array, start: number, end: number): void {
    this.#service = Buffer.from(body.subarray(start, end)).toString("latin1");
  }
  scope(): boolean {
    return true;
  }
  metric(header: MetricHeader): boolean {
    this.#metric = header.name;
    expect(header.temporality).toBe("cumulative");
    expect(header.monotonic).toBe(true);
    this.kinds[header.kind] ??= 0;
    return true;
  }
  point(point: PointCursor): void {
    const attributes = Buffer.from(point.body.subarray(point.attributesStart, point.attributesEnd)).toString("latin1");
    const stream = `${this.#service} ${this.#metric} ${attributes}`;
    const time = (BigInt(point.timeHigh) << 32n) | BigInt(point.timeLow);
    expect((BigInt(point.startHigh) << 32n) | BigInt(point.startLow)).toBe(START_NANOS);
    expect(time > (this.times.get(stream) ?? START_NANOS)).toBe(true);
    this.times.set(stream, time);
    const isSum = this.#metric === "bandwidth.http.server.io";
    this.kinds[isSum ? "sum" : "histogram"]! += 1;
    if (isSum) this.sums.set(stream, point.intHigh * 2 ** 32 + point.intLow);
    else this.sums.set(stream, point.sum);
    if (!isSum) this.counts.set(stream, countOf(point));
  }
  skipped(): void {
    throw new Error("every metric is wanted");
  }

  total(values: ReadonlyMap<string, number>, ...parts: string[]): number {
    let total = 0;
    for (const [stream, value] of values) if (parts.every((part) => stream.includes(part))) total += value;
    return total;
  }
}

/** The count, which must be that of the buckets. */
function countOf(point: PointCursor): number {
  let inBuckets = 0;
  const buckets = Buffer.from(point.bucketsBody.subarray(point.bucketCountsStart, point.bucketCountsEnd));
  expect(buckets.length).toBe(15 * 8);
  for (let at = 0; at < buckets.length; at += 8) inBuckets += Number(buckets.readBigUInt64LE(at));
  const count = point.countHigh * 2 ** 32 + point.countLow;
  expect(inBuckets).toBe(count);
  return count;
}

describe.each(["a", "b", "c"] as const)("payload %s", (name: PayloadName) => {
  it("adds up to the totals it claims, in ever newer exports of the same streams", async () => {
    const requestCount = name === "b" ? 3 : 2 * PAYLOADS[name].services;
    const generator = new LoadGenerator(PAYLOADS[name], requestCount, START_MILLIS);
    const bodies = await generator.round(requestCount);
    const newest = new NewestValues();
    for (const body of bodies) {
      newest.kinds = {};
      expect(walkMetrics(gunzipSync(body), newest)).toEqual({ kind: "success", value: generator.pointsPerRequest });
      expect(newest.kinds["histogram"]).toBe(generator.pointsPerRequest * 0.6);
      expect(newest.kinds["sum"]).toBe(generator.pointsPerRequest * 0.4);
    }
    expect({
      requests: newest.total(newest.counts, "http.server.request.duration"),
      requestBodyBytes: newest.total(newest.sums, "http.server.request.body.size"),
      responseBodyBytes: newest.total(newest.sums, "http.server.response.body.size"),
      wireBytesIn: newest.total(newest.sums, "bandwidth.http.server.io", "receive"),
      wireBytesOut: newest.total(newest.sums, "bandwidth.http.server.io", "transmit"),
    }).toEqual(generator.totals());
    expect(newest.total(newest.counts, "request.body.size")).toBe(generator.totals().requests);
    const lastMillis = Number([...newest.times.values()].reduce((a, b) => (a > b ? a : b)) / 1_000_000n);
    expect(lastMillis - START_MILLIS).toBeLessThan(300_000);
  });
});

describe("the load", () => {
  it("has no two equal bodies", async () => {
    const bodies = await new LoadGenerator(PAYLOADS.c, 1000, START_MILLIS).round(1000);
    expect(new Set(bodies.map((body) => body.toString("latin1"))).size).toBe(1000);
  });
});
