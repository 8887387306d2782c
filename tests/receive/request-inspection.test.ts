import { describe, expect, it } from "vitest";
import { metricMeaning } from "../../src/model/metric-meaning.ts";
import { meetingSlot, serviceSlot, shardOf } from "../../src/model/slot.ts";
import { walkMetrics } from "../../src/otlp/walk-metrics.ts";
import { RequestInspection } from "../../src/receive/request-inspection.ts";
import { valueOf } from "../support/log-entries.ts";
import { otlpRequest, type TestMetric, type TestNumberPoint, type TestResource } from "../support/otlp-request.ts";

const NOW_MILLIS = 1_800_000_000_000;
const HOUR_MILLIS = 3_600_000;
const nanos = (millis: number): bigint => BigInt(millis) * 1_000_000n;

function point(changes: Partial<TestNumberPoint> = {}): TestNumberPoint {
  return {
    attributes: { "network.io.direction": "receive" },
    start: nanos(NOW_MILLIS - 1000),
    time: nanos(NOW_MILLIS),
    value: 5n,
    ...changes,
  };
}

function io(points: readonly TestNumberPoint[], changes: Partial<TestMetric> = {}): TestMetric {
  return { name: "bandwidth.http.server.io", unit: "By", sum: points, ...changes };
}

function inspect(resources: readonly TestResource[], shardCount: number = 1): RequestInspection {
  const context = { receivedAtMillis: NOW_MILLIS, deltaMaxAgeMillis: HOUR_MILLIS, fromBridge: false };
  const inspection = new RequestInspection(shardCount, context);
  valueOf(walkMetrics(otlpRequest(resources), inspection));
  return inspection;
}

describe("points that can be counted", () => {
  it("are counted and nothing is said of them", () => {
    const inspection = inspect([
      { metrics: [io([point(), point({ attributes: { "network.io.direction": "transmit" } })])] },
    ]);
    expect(inspection).toMatchObject({ rejectedPoints: 0, ignoredPoints: 0, message: "" });
    expect(inspection.countedParts).toMatchObject([{ shard: 0, countedPoints: 2, hasDelta: false }]);
  });

  it("are marked when one of them is a delta", () => {
    const inspection = inspect([{ metrics: [io([point()]), io([point()], { temporality: "delta" })] }]);
    expect(inspection.countedParts[0]?.hasDelta).toBe(true);
  });

  it("are not marked for a delta that is refused", () => {
    const old = point({ start: nanos(NOW_MILLIS - 3 * HOUR_MILLIS), time: nanos(NOW_MILLIS - 2 * HOUR_MILLIS) });
    const inspection = inspect([{ metrics: [io([point()]), io([old], { temporality: "delta" })] }]);
    expect(inspection.countedParts[0]?.hasDelta).toBe(false);
    expect(inspection.rejectedPoints).toBe(1);
  });
});

describe("metrics that are not in our table", () => {
  it("are ignored, whatever they hold, and not rejected", () => {
    const inspection = inspect([
      { metrics: [{ name: "jvm.memory.used", unit: "By", sum: [point(), point({ value: -1n })], nonMonotonic: true }] },
    ]);
    expect(metricMeaning("jvm.memory.used")).toBeUndefined();
    expect(inspection).toMatchObject({ rejectedPoints: 0, ignoredPoints: 2, message: "" });
    expect(inspection.countedParts).toEqual([]);
  });
});

describe("what cannot be counted is rejected with its number of points and a reason:", () => {
  it.each<[string, TestMetric, string]>([
    ["another unit", io([point(), point()], { unit: "KiBy" }), 'bandwidth.http.server.io has unit "KiBy", expected By'],
    ["a sum that may go down", io([point(), point()], { nonMonotonic: true }), "is not monotonic"],
    ["no temporality", io([point(), point()], { temporality: "unspecified" }), "no aggregation temporality"],
    [
      "a gauge",
      { name: "bandwidth.http.server.io", unit: "By", gauge: [point(), point()] },
      "is a gauge, expected a counter",
    ],
    [
      "points without a time",
      io([point({ time: 0n, start: 0n }), point({ time: 0n, start: 0n })]),
      "no time_unix_nano",
    ],
    [
      "points that start after their time",
      io([point({ start: nanos(NOW_MILLIS + 1) }), point({ start: nanos(NOW_MILLIS + 1) })]),
      "starts after",
    ],
  ])("%s", (_name, metric, reason) => {
    const inspection = inspect([{ metrics: [metric] }]);
    expect(inspection.rejectedPoints).toBe(2);
    expect(inspection.message).toContain(reason);
    expect(inspection.countedParts).toEqual([]);
  });

  it.each<[string, number, number]>([
    ["as old as can be counted", -48 * HOUR_MILLIS, 0],
    ["older than that", -48 * HOUR_MILLIS - 1, 1],
    ["as far ahead as can be counted", 300_000, 0],
    ["further ahead", 300_001, 1],
  ])("a cumulative point %s", (_name, offsetMillis, rejected) => {
    const time = nanos(NOW_MILLIS + offsetMillis);
    expect(inspect([{ metrics: [io([point({ start: time - 1n, time })])] }]).rejectedPoints).toBe(rejected);
  });

  it.each<[string, bigint | number]>([
    ["negative", -1n],
    ["a fraction of a byte", 1.5],
    ["not a number", Number.NaN],
    ["infinite", Number.POSITIVE_INFINITY],
  ])("a value that is %s, while its neighbours are counted", (_name, value) => {
    const inspection = inspect([{ metrics: [io([point(), point({ value }), point({ value: 7 })])] }]);
    expect(inspection.rejectedPoints).toBe(1);
    expect(inspection.message).not.toBe("");
    expect(inspection.countedParts[0]?.countedPoints).toBe(2);
  });

  it("several reasons, each named once and at most five of them", () => {
    const units = ["a", "b", "c", "d", "e", "f"].map((unit) => io([point()], { unit }));
    const inspection = inspect([{ metrics: [...units, ...units] }]);
    expect(inspection.rejectedPoints).toBe(12);
    expect(inspection.message.split("; ")).toEqual(
      ["a", "b", "c", "d", "e"].map((unit) => `bandwidth.http.server.io has unit "${unit}", expected By`),
    );
  });
});

describe("what a page sent", () => {
  const PAGE = { meeting: "m", participant: "p" };
  const bytes = (changes: Partial<TestMetric> = {}): TestMetric => io([point()], { name: "webrtc.io", ...changes });

  function inspectPage(metric: TestMetric, shardCount: number = 1): RequestInspection {
    const context = { receivedAtMillis: NOW_MILLIS, deltaMaxAgeMillis: HOUR_MILLIS, fromBridge: true };
    const inspection = new RequestInspection(shardCount, context, PAGE);
    valueOf(
      walkMetrics(otlpRequest([{ attributes: { "webrtc.meeting.id": "another" }, metrics: [metric] }]), inspection),
    );
    return inspection;
  }

  it.each<[string, TestMetric, string]>([
    [
      "tells of HTTP",
      bytes({ name: "bandwidth.http.server.io" }),
      "bandwidth.http.server.io is not taken from a browser",
    ],
    ["is a delta", bytes({ temporality: "delta" }), "webrtc.io from a browser must be cumulative"],
  ])("is rejected when it %s", (_what, metric, message) => {
    const inspection = inspectPage(metric);
    expect([inspection.rejectedPoints, inspection.message, inspection.countedParts]).toEqual([1, message, []]);
  });

  it("is taken whatever the page's clock says", () => {
    for (const time of [1n, nanos(NOW_MILLIS - 30 * 24 * HOUR_MILLIS), nanos(NOW_MILLIS + 30 * 24 * HOUR_MILLIS)]) {
      const metric = io([point({ time })], { name: "webrtc.io" });
      expect(inspectPage(metric).countedParts[0]?.countedPoints).toBe(1);
    }
  });

  it("goes to the shard of the token's meeting", () => {
    expect(inspectPage(bytes(), 16).countedParts.map(({ shard }) => shard)).toEqual([shardOf(meetingSlot("m"), 16)]);
  });
});

describe("a request for several shards", () => {
  const SHARDS = 4;
  const services = Array.from({ length: 12 }, (_, index) => `service-${index}`);
  const resources = services.map((service) => ({ attributes: { "service.name": service }, metrics: [io([point()])] }));
  const shardOfService = (service: string): number => shardOf(serviceSlot("", service, ""), SHARDS);

  it("is split by service, each part in the order it came", () => {
    const inspection = inspect(resources, SHARDS);
    const expected = new Map<number, number>();
    for (const service of services)
      expected.set(shardOfService(service), (expected.get(shardOfService(service)) ?? 0) + 1);
    expect(new Map(inspection.countedParts.map(({ shard, countedPoints }) => [shard, countedPoints]))).toEqual(
      expected,
    );
    expect(expected.size).toBeGreaterThan(1);
  });

  it("is split into exactly the bytes of its ResourceMetrics: every byte belongs to one part", () => {
    const inspection = inspect(resources, SHARDS);
    const ranges = inspection.countedParts.flatMap((part) => part.ranges).toSorted(([a], [b]) => a - b);
    expect(ranges.map(([start]) => start)).toEqual([0, ...ranges.map(([, end]) => end).slice(0, -1)]);
    expect(ranges.at(-1)?.[1]).toBe(otlpRequest(resources).length);
  });

  it("is one range for each run of neighbours of one shard, however many resources it has", () => {
    const [one] = inspect(resources, 1).countedParts;
    expect(one?.ranges).toEqual([[0, otlpRequest(resources).length]]);
    const parts = inspect([...resources, ...resources], SHARDS).countedParts;
    for (const { ranges } of parts) {
      for (const [at, [start]] of ranges.entries()) expect(start).toBeGreaterThan(ranges[at - 1]?.[1] ?? -1);
    }
  });

  it("has no part for a shard of which nothing can be counted", () => {
    const [first, ...rest] = resources;
    const foreign = { ...first!, metrics: [{ ...io([point()]), name: "foreign" }] };
    const shards = inspect([foreign, ...rest], SHARDS).countedParts.map(({ shard }) => shard);
    const expected = new Set(services.slice(1).map(shardOfService));
    expect(new Set(shards)).toEqual(expected);
  });
});
