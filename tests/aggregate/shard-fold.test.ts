import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ShardFold } from "../../src/aggregate/shard-fold.ts";
import type { CounterStateRow } from "../../src/model/rollup-store.ts";
import { percentile } from "../../src/model/latency-histogram.ts";
import { otlpRequest, type TestAttributes, type TestMetric } from "../support/otlp-request.ts";
import { at, BIRTH, FoldHarness } from "./fold-harness.ts";

const GET = { "http.request.method": "GET", "http.route": "/a", "http.response.status_code": 200 };

function sizes(start: bigint, time: bigint, count: bigint, sum: number, attributes: TestAttributes = GET): TestMetric {
  return { name: "http.server.response.body.size", unit: "By", histogram: [{ attributes, start, time, count, sum }] };
}

function deltaIo(start: bigint, time: bigint, value: bigint | number, attributes: TestAttributes = {}): TestMetric {
  return {
    name: "bandwidth.http.server.io",
    unit: "By",
    temporality: "delta",
    sum: [{ attributes: { "network.io.direction": "transmit", ...attributes }, start, time, value }],
  };
}

const request = (...metrics: TestMetric[]): Uint8Array => otlpRequest([{ metrics }]);

describe("a cumulative stream", () => {
  test("begun after birth counts in full at first sight, then by its differences", () => {
    const harness = new FoldHarness()
      .receive(request(sizes(at(1), at(10), 2n, 100)), BIRTH + 10)
      .receive(request(sizes(at(1), at(20), 5n, 260)), BIRTH + 20);
    expect(harness.totals()).toEqual({ response_body_count: 5n, bytes_out: 260n });
  });

  test("begun before birth sets a baseline", () => {
    const harness = new FoldHarness()
      .receive(request(sizes(at(-100), at(10), 2n, 100)), BIRTH + 10)
      .receive(request(sizes(at(-100), at(20), 5n, 260)), BIRTH + 20);
    expect(harness.totals()).toEqual({ response_body_count: 3n, bytes_out: 160n });
    expect(harness.counts["pointsBaseline"]).toBe(1);
  });

  test("of a process that is followed counts in full though its start is before birth", () => {
    const other = { ...GET, "http.route": "/late" };
    const harness = new FoldHarness()
      .receive(request(sizes(at(-100), at(10), 2n, 100)), BIRTH + 10)
      .receive(request(sizes(at(-100), at(20), 1n, 7, other)), BIRTH + 20);
    expect(harness.totals()).toEqual({ response_body_count: 1n, bytes_out: 7n });
  });

  test("whose start is its time sets a baseline", () => {
    const harness = new FoldHarness()
      .receive(request(sizes(at(10), at(10), 2n, 100)), BIRTH + 10)
      .receive(request(sizes(at(10), at(20), 5n, 260)), BIRTH + 20);
    expect(harness.totals()).toEqual({ response_body_count: 3n, bytes_out: 160n });
  });

  test("that starts again counts from zero", () => {
    const harness = new FoldHarness()
      .receive(request(sizes(at(1), at(10), 4n, 100)), BIRTH + 10)
      .receive(request(sizes(at(11), at(20), 1n, 10)), BIRTH + 20);
    expect(harness.totals()).toEqual({ response_body_count: 5n, bytes_out: 110n });
  });

  test("of two writers with different starts counts both, interleaved", () => {
    const harness = new FoldHarness();
    for (const [start, time, sum] of [
      [1, 10, 100],
      [2, 11, 1000],
      [1, 12, 150],
      [2, 13, 1001],
    ] as const) {
      harness.receive(request(sizes(at(start), at(time), BigInt(sum), sum)), BIRTH + time);
    }
    expect(harness.total("bytes_out")).toBe(1151n);
  });

  test("that goes down without a new start is a fault and a new baseline", () => {
    const harness = new FoldHarness()
      .receive(request(sizes(at(1), at(10), 4n, 100)), BIRTH + 10)
      .receive(request(sizes(at(1), at(20), 3n, 50)), BIRTH + 20)
      .receive(request(sizes(at(1), at(30), 4n, 60)), BIRTH + 30);
    expect(harness.total("bytes_out")).toBe(110n);
    expect(harness.counts["pointsFaulty"]).toBe(1);
  });

  test("that jumps by more than 2^50 is a fault and a new baseline", () => {
    const harness = new FoldHarness()
      .receive(request(sizes(at(1), at(10), 4n, 100)), BIRTH + 10)
      .receive(request(sizes(at(1), at(20), 5n, 2 ** 51)), BIRTH + 20)
      .receive(request(sizes(at(1), at(30), 6n, 2 ** 51 + 8)), BIRTH + 30);
    expect(harness.total("bytes_out")).toBe(108n);
    expect(harness.counts["pointsFaulty"]).toBe(1);
  });

  test("is exact beyond 2^53", () => {
    const io = (time: number, value: bigint): TestMetric => ({
      name: "bandwidth.http.server.io",
      sum: [{ attributes: { "network.io.direction": "receive" }, start: at(-5), time: at(time), value }],
    });
    const base = 2n ** 60n + 1n;
    const harness = new FoldHarness()
      .receive(request(io(10, base)), BIRTH + 10)
      .receive(request(io(20, base + 3n)), BIRTH + 20);
    expect(harness.total("wire_bytes_in")).toBe(3n);
  });

  test("goes on where it stood after a restart", () => {
    const harness = new FoldHarness()
      .receive(request(sizes(at(1), at(10), 2n, 100)), BIRTH + 10)
      .restart()
      .receive(request(sizes(at(1), at(10), 2n, 100)), BIRTH + 11)
      .receive(request(sizes(at(1), at(20), 5n, 260)), BIRTH + 20);
    expect(harness.totals()).toEqual({ response_body_count: 5n, bytes_out: 260n });
    expect(harness.counts["pointsDuplicate"]).toBe(1);
  });

  test("whose state was emptied for its age comes back as a baseline, a newer one in full", () => {
    const harness = new FoldHarness().receive(request(sizes(at(1), at(10), 2n, 100)), BIRTH + 10).commit();
    const [[key, row]] = [...harness.stored] as [[string, CounterStateRow]];
    harness.restart().stored.set(key, { ...row, state: new Uint8Array(0) });
    harness
      .receive(request(sizes(at(1), at(9000), 5n, 260)), BIRTH + 9000)
      .receive(request(sizes(at(8000), at(9001), 1n, 7)), BIRTH + 9001);
    expect(harness.total("bytes_out")).toBe(107n);
  });

  test("without a recorded value changes nothing", () => {
    const flagged: TestMetric = {
      name: "bandwidth.http.server.io",
      sum: [{ attributes: { "network.io.direction": "receive" }, start: at(1), time: at(2), value: 9n, flags: 1 }],
    };
    expect(new FoldHarness().receive(request(flagged), BIRTH + 2).totals()).toEqual({});
  });
});

describe("a delta stream", () => {
  test("adds every point once, however often and in whichever batch it comes", () => {
    const [a, b] = [deltaIo(at(1), at(2), 10n), deltaIo(at(2), at(3), 20.0)];
    const harness = new FoldHarness()
      .receive(request(a), BIRTH + 3)
      .receive(request(b, a), BIRTH + 4)
      .restart()
      .receive(request(a, b), BIRTH + 5);
    expect(harness.totals()).toEqual({ wire_bytes_out: 30n });
    expect(harness.counts["pointsDuplicate"]).toBe(3);
  });

  test("knows a repeated body by its hash", () => {
    const body = request(deltaIo(at(1), at(2), 10n));
    const bodyHash = new Uint8Array(32).fill(7);
    const harness = new FoldHarness()
      .receive(body, BIRTH + 3, { bodyHash })
      .restart()
      .receive(body, BIRTH + 4, { bodyHash });
    expect(harness.totals()).toEqual({ wire_bytes_out: 10n });
  });

  test.each(["the same process", "the next one"])(
    "that was refused for its time is counted once it is due, though its body was seen before, by %s",
    (by) => {
      const body = request(deltaIo(at(1), at(2), 10n), deltaIo(at(2), at(400), 300n));
      const bodyHash = new Uint8Array(32).fill(7);
      const harness = new FoldHarness().receive(body, BIRTH + 3, { bodyHash });
      expect(harness.totals()).toEqual({ wire_bytes_out: 10n });
      for (const received of [200, 210]) {
        if (by === "the next one") harness.restart();
        harness.receive(body, BIRTH + received, { bodyHash });
      }
      expect(harness.totals()).toEqual({ wire_bytes_out: 310n });
      expect(harness.counts).toMatchObject({ pointsRefusedTime: 1, pointsDuplicate: 3 });
    },
  );

  test("that was put aside for want of room is counted when its body comes again and there is room", () => {
    const body = request(deltaIo(at(1), at(2), 10n));
    const bodyHash = new Uint8Array(32).fill(7);
    const harness = new FoldHarness({ maxStateBytes: 3000 }).receive(body, BIRTH + 3, { bodyHash });
    expect(harness.totals()).toEqual({});
    const { ledger } = harness.states[0]!;
    const roomy = new FoldHarness();
    roomy.fold.recall(ledger);
    roomy.receive(body, BIRTH + 4, { bodyHash }).receive(body, BIRTH + 5, { bodyHash });
    expect(roomy.totals()).toEqual({ wire_bytes_out: 10n });
  });

  test("counts two writers that overlap in time", () => {
    const harness = new FoldHarness().receive(
      request(deltaIo(at(1), at(2), 10n), deltaIo(at(1), at(2), 11n)),
      BIRTH + 3,
    );
    expect(harness.totals()).toEqual({ wire_bytes_out: 21n });
  });

  test("is put into quarantine when too much was received to tell repetitions", () => {
    const harness = new FoldHarness({ maxRecentDeltas: 8 });
    for (let second = 1; second <= 40; second++) {
      harness.receive(request(deltaIo(at(second), at(second + 1), 1n)), BIRTH + second + 1);
    }
    harness.receive(request(deltaIo(at(1), at(2), 1n)), BIRTH + 42);
    expect(harness.total("wire_bytes_out")).toBe(40n);
    expect(harness.states.flatMap(({ quarantine }) => quarantine.map(({ reason }) => reason))).toEqual([
      expect.stringContaining("may be a repetition"),
    ]);
  });
});

describe("a fresh delta point after a restart, where more was received than is remembered", () => {
  const busy = (): FoldHarness => {
    const harness = new FoldHarness({ maxRecentDeltas: 8 });
    for (let second = 1; second <= 40; second++) {
      harness.receive(request(deltaIo(at(second), at(second + 1), 1n)), BIRTH + second + 1).commit();
    }
    return harness.restart();
  };

  test("is counted, and one as old as what was forgotten is not", () => {
    const harness = busy().receive(request(deltaIo(at(41), at(42), 1n)), BIRTH + 42);
    expect(harness.total("wire_bytes_out")).toBe(41n);
    harness.receive(request(deltaIo(at(1), at(2), 1n)), BIRTH + 43);
    expect(harness.total("wire_bytes_out")).toBe(41n);
    expect(harness.counts).toMatchObject({ quarantined: 1 });
  });

  test("may be a repetition for five minutes, where the rows are of an earlier version that wrote no time of points", () => {
    const harness = busy();
    harness.fold = new ShardFold(harness.options);
    const ledger = harness.states.flatMap((state) => state.ledger);
    harness.fold.recall(ledger.map((row) => ({ ...row, entries: row.entries.slice(0, -6) })));
    harness.receive(request(deltaIo(at(41), at(42), 1n)), BIRTH + 42);
    expect(harness.total("wire_bytes_out")).toBe(40n);
    expect(harness.counts).toMatchObject({ quarantined: 1 });
    harness.receive(request(deltaIo(at(400), at(401), 1n)), BIRTH + 401);
    expect(harness.total("wire_bytes_out")).toBe(41n);
  });
});

describe("durations", () => {
  const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];
  const duration = (time: number, bucketCounts: readonly bigint[], sum: number, edges = bounds): TestMetric => ({
    name: "http.server.request.duration",
    unit: "s",
    histogram: [
      {
        attributes: GET,
        start: at(1),
        time: at(time),
        count: bucketCounts.reduce((a, b) => a + b, 0n),
        sum,
        bucketCounts,
        bounds: edges,
      },
    ],
  });

  test("in explicit buckets keep their number and their place between the bounds", () => {
    const harness = new FoldHarness()
      .receive(request(duration(10, [0n, 0n, 0n, 0n, 10n, 0n, 0n, 0n, 0n], 0.7)), BIRTH + 10)
      .receive(request(duration(20, [0n, 0n, 0n, 0n, 10n, 90n, 0n, 0n, 0n], 20)), BIRTH + 20);
    const latency = harness.latency();
    expect([...latency.values()].reduce((a, b) => a + b, 0)).toBe(100);
    expect(harness.total("latency_count")).toBe(100n);
    expect(percentile(latency, 0.05)).toBeCloseTo(0.075, 2);
    expect(percentile(latency, 0.55)).toBeCloseTo(0.175, 2);
  });

  test("whose bounds change in between keep their number", () => {
    const harness = new FoldHarness()
      .receive(request(duration(10, [5n, 5n, 0n, 0n, 0n, 0n, 0n, 0n, 0n], 0.1)), BIRTH + 10)
      .receive(request(duration(20, [10n, 11n], 0.3, [0.01])), BIRTH + 20);
    expect([...harness.latency().values()].reduce((a, b) => a + b, 0)).toBe(21);
    expect(harness.total("latency_count")).toBe(21n);
  });

  test("in exponential buckets of falling scales keep their number", () => {
    const point = (time: number, scale: number, offset: number, bucketCounts: readonly bigint[]): TestMetric => ({
      name: "http.server.request.duration",
      unit: "s",
      exponential: [
        {
          attributes: GET,
          start: at(1),
          time: at(time),
          count: bucketCounts.reduce((a, b) => a + b, 2n),
          sum: 1,
          scale,
          zeroCount: 2n,
          offset,
          bucketCounts,
        },
      ],
    });
    const harness = new FoldHarness()
      .receive(request(point(10, 8, -500, [1n, 2n, 3n])), BIRTH + 10)
      .receive(request(point(20, 3, -20, [0n, 0n, 0n, 4n, 8n])), BIRTH + 20)
      .receive(request(point(30, 3, -20, [0n, 1n, 0n, 4n, 8n])), BIRTH + 30);
    expect([...harness.latency().values()].reduce((a, b) => a + b, 0)).toBe(15);
    expect(harness.total("latency_count")).toBe(15n);
  });

  test("with an error status or an error.type count as errors", () => {
    const failing = (attributes: TestAttributes): TestMetric => ({
      name: "http.server.request.duration",
      histogram: [{ attributes, start: at(1), time: at(2), count: 1n, sum: 0.1 }],
    });
    const harness = new FoldHarness().receive(
      request(
        failing({ ...GET, "http.response.status_code": 500 }),
        failing({ ...GET, "error.type": "aborted" }),
        failing(GET),
      ),
      BIRTH + 2,
    );
    expect(harness.total("latency_error_count")).toBe(2n);
  });
});

test("series past the limit go to the overflow row and nothing is lost", () => {
  const metrics = Array.from({ length: 50 }, (_, index) =>
    sizes(at(1), at(10), 1n, 3, { ...GET, "http.route": `/${index}` }),
  );
  const harness = new FoldHarness({ maxSeries: 10 }).receive(request(...metrics), BIRTH + 10);
  expect(harness.total("bytes_out")).toBe(150n);
  expect(harness.increments[0]!.rollups.minute).toHaveLength(11);
  expect(harness.counts["pointsOverflow"]).toBe(40);
});

test("relayed time and bytes are priced", () => {
  const relayed = { "webrtc.relay": true };
  const time: TestMetric = {
    name: "webrtc.connection.time",
    unit: "s",
    sum: [{ attributes: { ...relayed, "webrtc.quality": "good" }, start: at(1), time: at(3601), value: 3600 }],
  };
  const bytes: TestMetric = {
    name: "webrtc.io",
    sum: [
      {
        attributes: { ...relayed, "network.io.direction": "receive" },
        start: at(1),
        time: at(3601),
        value: 5_000_000_000n,
      },
    ],
  };
  const harness = new FoldHarness({ prices: { nanosPerUserHour: 50_000_000, nanosPerGigabyte: 2_000_000 } });
  harness.receive(otlpRequest([{ attributes: { "webrtc.meeting.id": "m" }, metrics: [time, bytes] }]), BIRTH + 3601);
  expect(harness.totals()).toEqual({
    bytes_in: 5_000_000_000n,
    relay_bytes: 5_000_000_000n,
    connected_seconds: 3_600_000n,
    relay_seconds: 3_600_000n,
    quality_good_seconds: 3_600_000n,
    relay_cost_nanos: 60_000_000n,
  });
});

test("a body that cannot be decoded goes to quarantine and the shard goes on", () => {
  const harness = new FoldHarness()
    .receive(new Uint8Array([0x0a, 0xff, 0xff]), BIRTH + 1)
    .receive(request(sizes(at(1), at(10), 2n, 100)), BIRTH + 10);
  expect(harness.total("bytes_out")).toBe(100n);
  expect(harness.counts["quarantined"]).toBe(1);
});

describe("whatever the order, repetition and batching", () => {
  const step = fc.record({ count: fc.integer({ min: 0, max: 9 }), bytes: fc.integer({ min: 0, max: 2 ** 40 }) });
  const streamArbitrary = fc.record({
    route: fc.constantFrom("/a", "/b", "/c"),
    start: fc.integer({ min: 0, max: 50 }),
    steps: fc.array(step, { minLength: 1, maxLength: 6 }),
  });

  test("cumulative streams begun after birth and before their first point give the same totals", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(streamArbitrary, {
          minLength: 1,
          maxLength: 5,
          selector: ({ route, start }) => `${route}${start}`,
        }),
        fc.infiniteStream(fc.nat()),
        fc.integer({ min: 1, max: 4 }),
        (streams, random, restartEvery) => {
          const points: TestMetric[] = [];
          let expectedBytes = 0n;
          let expectedCount = 0n;
          for (const { route, start, steps } of streams) {
            let [count, sum] = [0, 0];
            steps.forEach((one, index) => {
              count += one.count;
              sum += one.bytes;
              points.push(sizes(at(start), at(60 + index), BigInt(count), sum, { ...GET, "http.route": route }));
            });
            expectedBytes += BigInt(sum);
            expectedCount += BigInt(count);
          }
          const sent = [...points, ...points.slice(0, 3)]
            .map((metric) => ({ metric, rank: random.next().value }))
            .sort((a, b) => a.rank - b.rank)
            .map(({ metric }) => metric);
          const harness = new FoldHarness();
          let batch = 0;
          while (sent.length > 0) {
            const size = 1 + (random.next().value % 4);
            harness.receive(request(...sent.splice(0, size)), BIRTH + 200);
            if (++batch % restartEvery === 0) harness.restart();
          }
          for (const granularity of ["minute", "hourly", "daily"] as const) {
            expect(harness.total("bytes_out", granularity)).toBe(expectedBytes);
            expect(harness.total("response_body_count", granularity)).toBe(expectedCount);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  test("delta points are each counted once", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 2 ** 45 })), {
          minLength: 1,
          maxLength: 30,
          selector: ([start]) => start,
        }),
        fc.array(fc.nat({ max: 29 }), { maxLength: 60 }),
        (points, repeats) => {
          const metrics = points.map(([start, value]) => deltaIo(at(start), at(start + 1), BigInt(value)));
          const harness = new FoldHarness();
          for (const metric of metrics) harness.receive(request(metric), BIRTH + 120);
          for (const index of repeats) {
            harness.receive(request(metrics[index % metrics.length]!), BIRTH + 130);
            if (index % 7 === 0) harness.restart();
          }
          expect(harness.total("wire_bytes_out")).toBe(points.reduce((sum, [, value]) => sum + BigInt(value), 0n));
        },
      ),
      { numRuns: 100 },
    );
  });
});
