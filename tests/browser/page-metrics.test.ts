import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PageMetrics } from "../../src/browser/page-metrics.ts";
import { LATENCY_SCALE, latencyIndex } from "../../src/model/latency-histogram.ts";
import { RequestType } from "../otlp/otlp-proto.ts";
import { exportedSeries } from "./exported-series.ts";

const RECEIVED = { "network.io.direction": "receive", "webrtc.relay": true, "webrtc.relay.protocol": "udp" };
const RECEIVED_SERIES = "webrtc.io{network.io.direction=receive,webrtc.relay.protocol=udp,webrtc.relay=true}";

interface DecodedHistogram {
  readonly scale: number;
  readonly zeroCount?: string;
  readonly positive: { readonly offset?: number; readonly bucketCounts?: readonly string[] };
}

/** The points of an export, as decoded from protobuf. */
function pointsOf(body: Uint8Array): Record<string, unknown>[] {
  const { resourceMetrics } = RequestType.toObject(RequestType.decode(body), { longs: String }) as {
    resourceMetrics: { scopeMetrics: { metrics: Record<string, { dataPoints?: Record<string, unknown>[] }>[] }[] }[];
  };
  const metrics = resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
  return metrics.flatMap(({ sum, exponentialHistogram }) => (sum ?? exponentialHistogram)?.dataPoints ?? []);
}

function makeMetrics(): PageMetrics {
  return new PageMetrics({ "service.name": "meeting", "service.instance.id": "page-1" });
}

describe("an export of a page's metrics", () => {
  it("is nothing before there is anything", async () => {
    expect(await makeMetrics().collect()).toBeUndefined();
  });

  it("has counters as cumulative sums and histograms as exponential ones, and the page's resource", async () => {
    const metrics = makeMetrics();
    metrics.add("webrtc.io", 1_200, RECEIVED);
    metrics.add("webrtc.io", 300, RECEIVED);
    metrics.record("webrtc.round_trip_time", 0.05);
    metrics.record("webrtc.round_trip_time", 0.07);
    const { body } = (await metrics.collect())!;
    expect(exportedSeries(body)).toEqual(
      new Map([
        [RECEIVED_SERIES, 1_500],
        ["webrtc.round_trip_time{}", 2],
      ]),
    );
    const decoded = JSON.stringify(RequestType.toObject(RequestType.decode(body), { longs: String, enums: String }));
    expect(decoded).toContain('"page-1"');
    expect(decoded.match(/"AGGREGATION_TEMPORALITY_CUMULATIVE"/g)).toHaveLength(2);
    expect(decoded).toContain('"exponentialHistogram"');
    expect(decoded).toContain('"isMonotonic":true');
  });

  it("has only what changed since the last acknowledged one", async () => {
    const metrics = makeMetrics();
    metrics.add("webrtc.io", 10, RECEIVED);
    metrics.add("webrtc.packets", 1, { "network.io.direction": "receive" });
    metrics.record("webrtc.jitter", 0.01);
    const first = (await metrics.collect())!;
    expect(exportedSeries(first.body).size).toBe(3);
    metrics.add("webrtc.io", 5, RECEIVED);
    expect(exportedSeries((await metrics.collect())!.body).size).toBe(3);
    first.acknowledge();
    expect(exportedSeries((await metrics.collect())!.body)).toEqual(new Map([[RECEIVED_SERIES, 15]]));
    (await metrics.collect())!.acknowledge();
    expect(await metrics.collect()).toBeUndefined();
  });

  it("has one start for every series, whenever it began", async () => {
    const metrics = makeMetrics();
    metrics.add("webrtc.io", 10, RECEIVED);
    (await metrics.collect())!.acknowledge();
    const begun = performance.now();
    while (performance.now() < begun + 3);
    metrics.add("webrtc.frames", 1, { "network.io.direction": "receive" });
    metrics.add("webrtc.io", 10, RECEIVED);
    const starts = pointsOf((await metrics.collect())!.body).map(({ startTimeUnixNano }) => startTimeUnixNano);
    expect(starts).toHaveLength(2);
    expect(new Set(starts).size).toBe(1);
  });

  it("has every observation in the very bucket that the receiver keeps it in", async () => {
    // In the steps that values are kept in.
    const seconds = fc.integer({ min: 100, max: 60 * 2 ** 20 }).map((steps) => steps / 2 ** 20);
    await fc.assert(
      fc.asyncProperty(fc.array(seconds, { minLength: 1, maxLength: 60 }), async (values) => {
        const metrics = makeMetrics();
        for (const value of values) metrics.record("webrtc.round_trip_time", value);
        const [point] = pointsOf((await metrics.collect())!.body) as unknown as DecodedHistogram[];
        const { scale, positive } = point!;
        expect(scale).toBe(LATENCY_SCALE);
        const { offset = 0, bucketCounts = [] } = positive;
        const exported = bucketCounts.flatMap((count, index) =>
          count === "0" ? [] : [[offset + index, Number(count)]],
        );
        const expected = new Map<number, number>();
        for (const value of values) expected.set(latencyIndex(value), (expected.get(latencyIndex(value)) ?? 0) + 1);
        expect(exported).toEqual([...expected].sort(([a], [b]) => a - b));
      }),
    );
  });

  it("keeps totals, not a queue, however often it is not acknowledged", async () => {
    const metrics = makeMetrics();
    let size = 0;
    for (let round = 1; round <= 500; round += 1) {
      metrics.add("webrtc.io", 1_000, RECEIVED);
      const { body } = (await metrics.collect())!;
      if (round === 1) size = body.length;
      expect(body.length).toBeLessThanOrEqual(size + 8);
    }
    expect(exportedSeries((await metrics.collect())!.body).get(RECEIVED_SERIES)).toBe(500_000);
  });
});
