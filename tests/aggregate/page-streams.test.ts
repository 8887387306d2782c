/** Streams that pages sent over the bridge: their clocks tell nothing, their values do. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { otlpRequest, type TestMetric, type TestNumberPoint } from "../support/otlp-request.ts";
import { at, FoldHarness, SECOND } from "./fold-harness.ts";

const PAGE = { identity: { meeting: "m", participant: "p" } };
const RECEIVED = Number(at(600) / SECOND);
const DAY = 86_400;

function io(points: readonly TestNumberPoint[], changes: Partial<TestMetric> = {}): Uint8Array {
  const attributes = { "network.io.direction": "receive" };
  const sum = points.map((point) => ({ attributes, ...point }));
  return otlpRequest([{ metrics: [{ name: "webrtc.io", unit: "By", sum, ...changes }] }]);
}

describe("a counter of a page", () => {
  test.each([
    ["right", 0],
    ["a day behind", -DAY],
    ["three days behind", -3 * DAY],
    ["a day ahead", DAY],
  ])("counts at the minute it came when the page's clock is %s", (_what, skew) => {
    const harness = new FoldHarness();
    const point = (seconds: number, value: bigint): TestNumberPoint => ({
      start: at(skew),
      time: at(skew + seconds),
      value,
    });
    harness.receive(io([point(10, 5n)]), RECEIVED, PAGE);
    harness.receive(io([point(20, 8n)]), RECEIVED + 60, PAGE);
    harness.commit();
    expect(harness.total("bytes_in")).toBe(8n);
    const buckets = harness.increments.flatMap(({ rollups }) => rollups.minute.map(({ bucketStart }) => bucketStart));
    expect(new Set(buckets)).toEqual(new Set([RECEIVED - (RECEIVED % 60), RECEIVED + 60 - (RECEIVED % 60)]));
  });

  test("counts in full at first sight, even if its start is its time or long before the totals began", () => {
    for (const start of [at(-900), at(-10 * DAY)]) {
      const harness = new FoldHarness();
      harness.receive(io([{ start, time: start, value: 5n }]), RECEIVED, PAGE);
      expect(harness.total("bytes_in")).toBe(5n);
    }
  });

  test("goes on counting when the page's clock is set back", () => {
    const harness = new FoldHarness();
    harness.receive(io([{ start: at(0), time: at(500), value: 5n }]), RECEIVED, PAGE);
    harness.receive(io([{ start: at(0), time: at(100), value: 9n }]), RECEIVED + 10, PAGE);
    expect(harness.total("bytes_in")).toBe(9n);
  });

  test("is counted to its highest value, in whatever order and how often exports arrive", () => {
    const exports = fc.array(fc.record({ value: fc.nat({ max: 1000 }), seconds: fc.nat({ max: 300 }) }), {
      minLength: 1,
    });
    fc.assert(
      fc.property(exports, (sent) => {
        const harness = new FoldHarness();
        sent.forEach(({ value, seconds }, index) => {
          const point = { start: at(0), time: at(seconds), value: BigInt(value) };
          harness.receive(io([point]), RECEIVED + (index % 3), PAGE);
        });
        expect(harness.total("bytes_in")).toBe(BigInt(Math.max(...sent.map(({ value }) => value))));
      }),
      { numRuns: 50 },
    );
  });

  test("goes on where it was after a restart of the receiver", () => {
    const harness = new FoldHarness();
    harness.receive(io([{ start: at(0), time: at(10), value: 5n }]), RECEIVED, PAGE).restart();
    harness.receive(io([{ start: at(0), time: at(5), value: 9n }]), RECEIVED + 1, PAGE);
    expect(harness.total("bytes_in")).toBe(9n);
  });

  test("is another's in another page: the start and the resource tell", () => {
    const harness = new FoldHarness();
    harness.receive(io([{ start: at(0), time: at(10), value: 5n }]), RECEIVED, PAGE);
    harness.receive(io([{ start: at(1), time: at(10), value: 3n }]), RECEIVED, PAGE);
    const other = { identity: { meeting: "m", participant: "q" } };
    harness.receive(io([{ start: at(0), time: at(10), value: 2n }]), RECEIVED, other);
    expect(harness.total("bytes_in")).toBe(10n);
  });
});

describe("a histogram of a page", () => {
  const roundTrips = (count: bigint, sum: number, time: bigint): Uint8Array =>
    otlpRequest([
      {
        metrics: [
          {
            name: "webrtc.round_trip_time",
            unit: "s",
            exponential: [{ start: at(0), time, count, sum, scale: 0, offset: -4, bucketCounts: [count] }],
          },
        ],
      },
    ]);

  test("that comes late, or again, changes nothing", () => {
    const harness = new FoldHarness();
    harness.receive(roundTrips(3n, 0.3, at(30)), RECEIVED, PAGE);
    harness.receive(roundTrips(2n, 0.2, at(40)), RECEIVED, PAGE);
    harness.receive(roundTrips(3n, 0.3, at(50)), RECEIVED, PAGE);
    harness.receive(roundTrips(5n, 0.5, at(20)), RECEIVED, PAGE);
    expect(harness.total("latency_count")).toBe(5n);
  });
});

describe("what pages may not tell", () => {
  test.each<[string, Uint8Array]>([
    ["of HTTP", io([{ start: at(0), time: at(10), value: 5n }], { name: "bandwidth.http.server.io" })],
    ["in differences", io([{ start: at(0), time: at(10), value: 5n }], { temporality: "delta" })],
  ])("is refused by the fold as by the door: %s", (_what, body) => {
    const harness = new FoldHarness();
    harness.receive(body, RECEIVED, PAGE).commit();
    expect([harness.total("bytes_in"), harness.total("wire_bytes_in"), harness.counts["pointsRefused"]]).toEqual([
      0n,
      0n,
      1,
    ]);
  });
});
