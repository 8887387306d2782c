/** Random metrics of our table whose numbers lie at the edges of what can be sent: for tests of what must never stop a shard. */
import fc from "fast-check";
import { metricMeaning } from "../../src/model/metric-meaning.ts";
import { METRICS } from "../../src/model/metric-names.ts";
import type { TestAttributes, TestHistogramPoint, TestMetric, TestNumberPoint } from "../support/otlp-request.ts";
import { at } from "./fold-harness.ts";

const EDGE_WHOLES = [
  0n,
  1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 50n - 1n,
  2n ** 50n,
  2n ** 50n + 1n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 60n,
  2n ** 62n,
  2n ** 63n - 1n,
  -1n,
  -(2n ** 63n),
];
const EDGE_DOUBLES = [
  0,
  -0,
  0.5,
  0.0005,
  1,
  5e-324,
  2 ** 40,
  2 ** 50,
  2 ** 50 / 1000,
  2 ** 53,
  2 ** 63 - 1024,
  2 ** 63,
  1e308,
  -1,
  Number.NaN,
  Number.POSITIVE_INFINITY,
];

const whole = fc.oneof(fc.constantFrom(...EDGE_WHOLES), fc.bigInt({ min: 0n, max: 2n ** 51n }));
const double = fc.oneof(fc.constantFrom(...EDGE_DOUBLES), fc.double({ min: 0, max: 2 ** 51 }), fc.double());
const count = fc.oneof(
  fc.constantFrom(...EDGE_WHOLES.filter((value) => value >= 0n)),
  fc.bigInt({ min: 0n, max: 2n ** 51n }),
);

const attributes: fc.Arbitrary<TestAttributes> = fc.record({
  "network.io.direction": fc.constantFrom("receive", "transmit"),
  "webrtc.relay": fc.boolean(),
  "webrtc.quality": fc.constantFrom("good", "poor"),
  "http.route": fc.constantFrom("/a", "/b"),
  "http.response.status_code": fc.constantFrom(200, 500),
});

/** Within the time that admission allows around `at(400)`; a third of the cumulative ones have one start. */
const times = fc
  .tuple(fc.oneof(fc.constant(1), fc.integer({ min: -5, max: 300 })), fc.integer({ min: 0, max: 300 }))
  .map(([start, length]) => ({ start: at(start), time: at(start + length) }));

const numberPoint: fc.Arbitrary<TestNumberPoint> = fc
  .tuple(times, attributes, fc.oneof(whole, double))
  .map(([time, set, value]) => ({ ...time, attributes: set, value }));

const bounds = fc
  .uniqueArray(
    fc.oneof(fc.constantFrom(...EDGE_DOUBLES.filter((value) => !Number.isNaN(value))), fc.double({ noNaN: true })),
    {
      maxLength: 5,
    },
  )
  .map((values) => values.toSorted((a, b) => a - b));

const explicitPoint: fc.Arbitrary<TestHistogramPoint> = fc
  .tuple(times, attributes, count, double, bounds, fc.boolean(), fc.nat())
  .map(([time, set, observations, sum, edges, hasBuckets, random]) => {
    const point = { ...time, attributes: set, count: observations, sum };
    if (!hasBuckets) return point;
    const bucketCounts = Array.from({ length: edges.length + 1 }, () => 0n);
    bucketCounts[random % bucketCounts.length] = observations;
    return { ...point, bucketCounts, bounds: edges };
  });

const exponentialPoint = fc
  .record({
    time: times,
    set: attributes,
    sum: double,
    scale: fc.integer({ min: -11, max: 21 }),
    zeroCount: count,
    offset: fc.oneof(fc.integer({ min: -2000, max: 2000 }), fc.constantFrom(2 ** 31 - 1, -(2 ** 31), 2 ** 31 - 3)),
    bucketCounts: fc.array(count, { maxLength: 5 }),
  })
  .map(({ time, set, ...point }) => {
    const observations = point.bucketCounts.reduce((sum, one) => sum + one, point.zeroCount);
    return { ...time, attributes: set, ...point, count: BigInt.asUintN(64, observations) };
  });

/** A metric of our table with the kind of data it must have; most of its points are admitted. */
export const extremeMetric: fc.Arbitrary<TestMetric> = fc
  .tuple(fc.constantFrom(...METRICS), fc.constantFrom("delta" as const, "cumulative" as const), fc.boolean())
  .chain(([{ name }, temporality, exponential]): fc.Arbitrary<TestMetric> => {
    const { instrument } = metricMeaning(name)!;
    const head = { name, temporality };
    const points = <T>(point: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(point, { minLength: 1, maxLength: 6 });
    if (instrument === "counter") return points(numberPoint).map((sum) => ({ ...head, sum }));
    if (exponential) return points(exponentialPoint).map((one) => ({ ...head, exponential: one }));
    return points(explicitPoint).map((histogram) => ({ ...head, histogram }));
  });
