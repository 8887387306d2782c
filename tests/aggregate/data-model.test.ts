/** The metrics data model, case by case: what each kind of point adds, whatever came before it. */
import { describe, expect, test } from "vitest";
import { otlpRequest, type TestAttributes, type TestMetric, type TestNumberPoint } from "../support/otlp-request.ts";
import { at, BIRTH, FoldHarness } from "./fold-harness.ts";

const RECEIVED = BIRTH + 1000;

type Point = readonly [start: number, time: number, value: bigint | number];

function metric(points: readonly Partial<TestNumberPoint>[], changes: Partial<TestMetric> = {}): TestMetric {
  const sum = points.map((point) => ({ time: 0n, value: 0n, attributes: RECEIVE, ...point }));
  return { name: "bandwidth.http.server.io", unit: "By", sum, ...changes };
}

const RECEIVE: TestAttributes = { "network.io.direction": "receive" };

/** Folds points one request each, and gives the sum. */
function sumOf(points: readonly Point[], changes: Partial<TestMetric> = {}, harness = new FoldHarness()): bigint {
  for (const [start, time, value] of points) {
    harness.receive(
      otlpRequest([{ metrics: [metric([{ start: start === 0 ? 0n : at(start), time: at(time), value }], changes)] }]),
      RECEIVED,
    );
  }
  return harness.total("wire_bytes_in");
}

describe("a cumulative counter", () => {
  test.each<[string, readonly Point[], bigint]>([
    [
      "that is sent again changes nothing",
      [
        [1, 10, 5n],
        [1, 10, 5n],
      ],
      5n,
    ],
    [
      "whose late point is older than what was seen changes nothing",
      [
        [1, 20, 9n],
        [1, 10, 5n],
      ],
      9n,
    ],
    [
      "whose points come backwards counts its newest",
      [
        [1, 30, 9n],
        [1, 20, 7n],
        [1, 10, 5n],
      ],
      9n,
    ],
    [
      "that starts again and whose old start comes late counts both",
      [
        [11, 20, 3n],
        [1, 10, 5n],
      ],
      8n,
    ],
    [
      "that starts again with more than before counts all of it",
      [
        [1, 10, 5n],
        [11, 20, 50n],
      ],
      55n,
    ],
    [
      "with a gap counts what grew in it",
      [
        [1, 10, 5n],
        [1, 900, 500n],
      ],
      500n,
    ],
    [
      "of two writers of one name counts both",
      [
        [1, 10, 5n],
        [2, 10, 5n],
        [1, 11, 6n],
        [2, 11, 9n],
      ],
      15n,
    ],
    [
      "that stands still adds nothing",
      [
        [1, 10, 5n],
        [1, 20, 5n],
        [1, 30, 5n],
      ],
      5n,
    ],
    [
      "of a double that is whole is a count",
      [
        [1, 10, 5],
        [1, 20, 7],
      ],
      7n,
    ],
    [
      "that changes from integer to double goes on",
      [
        [1, 10, 5n],
        [1, 20, 7],
      ],
      7n,
    ],
    [
      "beyond 2^53 keeps every unit",
      [
        [-5, 10, 2n ** 62n + 1n],
        [-5, 20, 2n ** 62n + 2n],
      ],
      1n,
    ],
    [
      "of an unknown start is a baseline first",
      [
        [0, 10, 5n],
        [0, 20, 7n],
      ],
      2n,
    ],
    [
      "of an unknown start that falls has begun again",
      [
        [0, 10, 5n],
        [0, 20, 3n],
        [0, 30, 4n],
      ],
      4n,
    ],
    [
      "whose start is its time is a baseline",
      [
        [10, 10, 5n],
        [10, 20, 7n],
      ],
      2n,
    ],
    [
      "that falls without a new start is a fault and a baseline",
      [
        [1, 10, 5n],
        [1, 20, 3n],
        [1, 30, 7n],
      ],
      9n,
    ],
    ["that starts after its time is refused", [[20, 10, 5n]], 0n],
  ])("%s", (_name, points, sum) => {
    expect(sumOf(points)).toBe(sum);
  });

  test("are counted by why they are refused", () => {
    const harness = new FoldHarness();
    sumOf([[20, 10, 5n]], {}, harness);
    sumOf([[1, 20, -5n]], {}, harness);
    sumOf([[1, 20, 7n]], { unit: "km" }, harness);
    expect(harness.counts).toMatchObject({ pointsRefused: 3, pointsRefusedTime: 1, pointsRefusedValue: 1 });
  });

  test("of an old process that shows a new attribute set late counts it in full", () => {
    const harness = new FoldHarness();
    sumOf([[-50, 10, 5n]], {}, harness);
    const late = metric([
      { attributes: { ...RECEIVE, "http.route": "/late" }, start: at(-50), time: at(20), value: 7n },
    ]);
    harness.receive(otlpRequest([{ metrics: [late] }]), RECEIVED);
    expect(harness.total("wire_bytes_in")).toBe(7n);
  });

  test("of an old process that another scope shows is a baseline: nobody followed that", () => {
    const harness = new FoldHarness();
    sumOf([[-50, 10, 5n]], {}, harness);
    const point = { attributes: RECEIVE, start: at(-50), time: at(20), value: 7n };
    harness.receive(otlpRequest([{ scope: "other", metrics: [metric([point])] }]), RECEIVED);
    expect(harness.total("wire_bytes_in")).toBe(0n);
  });

  test("that marks a point as not recorded keeps its state", () => {
    const harness = new FoldHarness();
    sumOf([[1, 10, 5n]], {}, harness);
    const mark = metric([{ start: at(1), time: at(20), value: 0n, flags: 1 }]);
    harness.receive(otlpRequest([{ metrics: [mark] }]), RECEIVED);
    expect(sumOf([[1, 30, 9n]], {}, harness)).toBe(9n);
    expect(harness.counts["pointsFaulty"]).toBe(0);
  });

  test("of the SDK's overflow is a stream like any other", () => {
    const harness = new FoldHarness();
    const overflow = { ...RECEIVE, "otel.metric.overflow": true };
    const points = [
      { start: at(1), time: at(10), value: 5n },
      { start: at(1), time: at(10), value: 70n, attributes: overflow },
    ];
    harness.receive(otlpRequest([{ metrics: [metric(points)] }]), RECEIVED);
    harness.receive(
      otlpRequest([{ metrics: [metric([{ start: at(1), time: at(20), value: 75n, attributes: overflow }])] }]),
      RECEIVED,
    );
    expect(harness.total("wire_bytes_in")).toBe(80n);
  });
});

describe("a delta counter", () => {
  const delta = { temporality: "delta" } as const;

  test.each<[string, readonly Point[], bigint]>([
    [
      "adds its points",
      [
        [1, 2, 5n],
        [2, 3, 7n],
      ],
      12n,
    ],
    [
      "adds them in any order",
      [
        [2, 3, 7n],
        [1, 2, 5n],
      ],
      12n,
    ],
    [
      "with a gap adds what it says and nothing for the gap",
      [
        [1, 2, 5n],
        [90, 91, 7n],
      ],
      12n,
    ],
    [
      "adds a point that comes again once",
      [
        [1, 2, 5n],
        [1, 2, 5n],
        [1, 2, 5n],
      ],
      5n,
    ],
    [
      "of two writers that overlap adds both",
      [
        [1, 4, 5n],
        [2, 5, 7n],
      ],
      12n,
    ],
    [
      "of two writers of the same interval adds both",
      [
        [1, 2, 5n],
        [1, 2, 7n],
      ],
      12n,
    ],
    [
      "needs no start",
      [
        [0, 10, 5n],
        [0, 11, 5n],
      ],
      10n,
    ],
    ["may be of an instant", [[10, 10, 5n]], 5n],
    [
      "of zero adds nothing",
      [
        [1, 2, 0n],
        [2, 3, 5n],
      ],
      5n,
    ],
  ])("%s", (_name, points, sum) => {
    expect(sumOf(points, delta)).toBe(sum);
  });

  test("and a cumulative one of the same name are two streams", () => {
    const harness = new FoldHarness();
    sumOf([[1, 2, 5n]], delta, harness);
    expect(sumOf([[1, 2, 5n]], {}, harness)).toBe(10n);
  });
});

describe("what is no count adds nothing:", () => {
  test.each<[string, Partial<TestMetric>]>([
    ["a sum that may fall", { nonMonotonic: true }],
    ["a sum without a temporality", { temporality: "unspecified" }],
    ["another unit", { unit: "KiBy" }],
    ["a metric that is not in our table", { name: "bandwidth.other" }],
  ])("%s", (_name, changes) => {
    expect(
      sumOf(
        [
          [1, 10, 5n],
          [1, 20, 9n],
        ],
        changes,
      ),
    ).toBe(0n);
  });

  test("a gauge", () => {
    const { sum, ...rest } = metric([{ start: at(1), time: at(10), value: 5n }]);
    const harness = new FoldHarness().receive(otlpRequest([{ metrics: [{ ...rest, gauge: sum! }] }]), RECEIVED);
    expect(harness.totals()).toEqual({});
  });
});

describe("the buckets of durations", () => {
  const name = "http.server.request.duration";
  const times = (time: number): { start: bigint; time: bigint } => ({ start: at(1), time: at(time) });
  const fold = (...metrics: TestMetric[]): FoldHarness => {
    const harness = new FoldHarness();
    for (const one of metrics) harness.receive(otlpRequest([{ metrics: [one] }]), RECEIVED);
    return harness;
  };
  const observations = (harness: FoldHarness): number => [...harness.latency().values()].reduce((a, b) => a + b, 0);

  test("of zeros only are in the lowest", () => {
    const point = { ...times(10), count: 7n, sum: 0, scale: 3, zeroCount: 7n, offset: 0, bucketCounts: [] };
    expect([...fold({ name, exponential: [point] }).latency()]).toEqual([[-1024, 7]]);
  });

  test("of every scale hold what was observed, near where it was", () => {
    for (let scale = -10; scale <= 20; scale += 1) {
      // The bucket that holds 1 second, whose upper bound is 1.
      const point = { ...times(10), count: 64n, sum: 64, scale, offset: -1, bucketCounts: [64n] };
      const latency = fold({ name, exponential: [point] }).latency();
      expect([...latency.values()].reduce((a, b) => a + b, 0)).toBe(64);
      expect(Math.max(...latency.keys())).toBeLessThanOrEqual(-1);
      if (scale >= 5) expect([...latency]).toEqual([[-1, 64]]);
    }
  });

  test("that change their kind in between keep their number", () => {
    const harness = fold(
      { name, histogram: [{ ...times(10), count: 5n, sum: 1, bucketCounts: [5n, 0n], bounds: [1] }] },
      { name, histogram: [{ ...times(20), count: 9n, sum: 2 }] },
      { name, histogram: [{ ...times(30), count: 12n, sum: 3, bucketCounts: [0n, 12n], bounds: [2] }] },
      { name, histogram: [{ ...times(40), count: 13n, sum: 3, bucketCounts: [13n], bounds: [] }] },
    );
    expect(observations(harness)).toBe(13);
    expect(harness.total("latency_count")).toBe(13n);
  });

  test("whose scale falls and rises keep their number", () => {
    const point = (time: number, scale: number, count: bigint): TestMetric => ({
      name,
      exponential: [{ ...times(time), count, sum: 1, scale, offset: 3, bucketCounts: [count] }],
    });
    const harness = fold(point(10, 8, 4n), point(20, 2, 9n), point(30, 8, 10n), point(40, -3, 30n));
    expect(observations(harness)).toBe(30);
  });

  test("that do not add up to the count are refused", () => {
    const harness = fold({
      name,
      histogram: [{ ...times(10), count: 5n, sum: 1, bucketCounts: [4n, 0n], bounds: [1] }],
    });
    expect(harness.totals()).toEqual({});
    expect(harness.counts).toMatchObject({ pointsRefused: 1, pointsRefusedValue: 1, pointsRefusedTime: 0 });
  });
});
