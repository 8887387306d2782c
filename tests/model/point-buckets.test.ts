import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { MetricHeader, MetricVisitor } from "../../src/model/metric-visitor.ts";
import { checkedBuckets, MAX_BUCKETS, type PointBuckets, readBuckets } from "../../src/model/point-buckets.ts";
import { walkMetrics } from "../../src/otlp/walk-metrics.ts";
import { RequestType } from "../otlp/otlp-proto.ts";

interface Seen {
  fault: string | undefined;
  ignored: string | undefined;
  buckets: PointBuckets;
}

/** What is said of the only point of a metric. */
function seen(metric: object): Seen {
  const request = { resourceMetrics: [{ scopeMetrics: [{ metrics: [metric] }] }] };
  let header: MetricHeader | undefined;
  let result: Seen | undefined;
  const visitor: MetricVisitor = {
    resource() {},
    scope: () => true,
    metric: (given) => ((header = given), true),
    point(point) {
      const fault = checkedBuckets(header!, point, true);
      const ignored = checkedBuckets(header!, point, false);
      result = { fault, ignored, buckets: fault === undefined ? readBuckets(header!, point) : { kind: "none" } };
    },
    skipped() {},
  };
  walkMetrics(RequestType.encode(RequestType.fromObject(request)).finish(), visitor);
  return result!;
}

function explicit(point: object): Seen {
  return seen({ histogram: { dataPoints: [point] } });
}

function exponential(point: object): Seen {
  return seen({ exponentialHistogram: { dataPoints: [point] } });
}

const counts = fc.array(fc.nat({ max: 2 ** 40 }), { minLength: 1, maxLength: 20 });
const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

describe("the buckets of an explicit histogram", () => {
  test("are read as they were written", () => {
    fc.assert(
      fc.property(counts, (bucketCounts) => {
        const explicitBounds = bucketCounts.slice(1).map((_, index) => index * 0.5 - 1);
        const { fault, buckets } = explicit({ count: sumOf(bucketCounts), bucketCounts, explicitBounds });
        expect(fault).toBeUndefined();
        if (buckets.kind !== "explicit") throw new Error(buckets.kind);
        expect([...buckets.counts]).toEqual(bucketCounts);
        expect([...buckets.bounds()]).toEqual(explicitBounds);
        expect(buckets.boundsWire.length).toBe(explicitBounds.length * 8);
      }),
    );
  });

  test("may be left out", () => {
    expect(explicit({ count: 3 })).toEqual({ fault: undefined, ignored: undefined, buckets: { kind: "none" } });
  });

  test.each<[string, object]>([
    ["as many bounds as counts", { count: 2, bucketCounts: [1, 1], explicitBounds: [1, 2] }],
    ["bounds without counts", { count: 0, explicitBounds: [1] }],
    ["counts that do not add up", { count: 3, bucketCounts: [1, 1], explicitBounds: [1] }],
    ["equal bounds", { count: 0, bucketCounts: [0, 0, 0], explicitBounds: [1, 1] }],
    ["falling bounds", { count: 0, bucketCounts: [0, 0, 0], explicitBounds: [2, 1] }],
    ["NaN as a bound", { count: 0, bucketCounts: [0, 0], explicitBounds: [Number.NaN] }],
    ["a count above 2^53", { count: 1, bucketCounts: ["18446744073709551615", 1], explicitBounds: [1] }],
    [
      "too many buckets",
      { count: 0, bucketCounts: Array(MAX_BUCKETS + 1).fill(0), explicitBounds: Array(MAX_BUCKETS).fill(0) },
    ],
  ])("are refused with %s, where buckets are kept", (_name, point) => {
    const { fault, ignored } = explicit(point);
    expect(fault).toMatch(/^(a point|the buckets of a point) /);
    expect(ignored).toBeUndefined();
  });
});

describe("the buckets of an exponential histogram", () => {
  test("are read as they were written", () => {
    fc.assert(
      fc.property(counts, fc.integer({ min: -1000, max: 1000 }), fc.nat(), (bucketCounts, offset, zeroCount) => {
        const count = sumOf(bucketCounts) + zeroCount;
        const { fault, buckets } = exponential({ count, zeroCount, scale: 5, positive: { offset, bucketCounts } });
        expect(fault).toBeUndefined();
        expect(buckets).toEqual({
          kind: "exponential",
          scale: 5,
          zeroCount,
          offset,
          counts: Float64Array.from(bucketCounts),
        });
      }),
    );
  });

  test.each<[string, object]>([
    ["counts that do not add up", { count: 3, positive: { bucketCounts: [1] } }],
    ["a negative bucket that is not empty", { count: 1, negative: { bucketCounts: [1] } }],
    ["a scale above 20", { scale: 21 }],
    ["a scale below -10", { scale: -11 }],
    ["an index out of range", { count: 1, positive: { offset: 2_147_483_647, bucketCounts: [0, 1] } }],
    ["too many buckets", { count: 0, positive: { bucketCounts: Array(MAX_BUCKETS + 1).fill(0) } }],
  ])("are refused with %s, where buckets are kept", (_name, point) => {
    const { fault, ignored } = exponential(point);
    expect(fault).toMatch(/^(a point|the buckets of a point) /);
    expect(ignored).toBeUndefined();
  });

  test("may have empty negative buckets", () => {
    expect(exponential({ negative: { bucketCounts: [0, 0] } }).fault).toBeUndefined();
  });
});
