import { expect, it } from "vitest";
import { SeriesLimit } from "../../src/bridge/series-limit.ts";
import { walkMetrics } from "../../src/otlp/walk-metrics.ts";
import { otlpRequest, type TestAttributes } from "../support/otlp-request.ts";

function body(resource: TestAttributes, scope: string, name: string, ...points: readonly TestAttributes[]): Uint8Array {
  const sum = points.map((attributes) => ({ attributes, start: 1n, time: 2n, value: 3n }));
  return otlpRequest([{ attributes: resource, scope, metrics: [{ name, unit: "By", sum }] }]);
}

/** Seed of the hashes. */
const SEED = 1;

const received = { "network.io.direction": "receive" };
const sent = { "network.io.direction": "transmit" };

it("series differ by resource, scope, metric and attributes, and not by value or time; scopes count, too", () => {
  const limit = new SeriesLimit(8, walkMetrics, SEED);
  const different = [
    body({}, "a", "webrtc.io", received),
    body({}, "a", "webrtc.io", sent),
    body({}, "a", "webrtc.wire.io", sent),
    body({}, "b", "webrtc.wire.io", sent),
    body({ "service.instance.id": "2" }, "b", "webrtc.wire.io", sent),
  ];
  for (let round = 0; round < 3; round++) {
    for (const one of different) expect(limit.check(one, 0).kind).toBe("success");
  }
  expect(limit.check(body({}, "c", "webrtc.io", received), 0)).toMatchObject({ kind: "failure", code: "too_large" });
  // Those that are known stay welcome.
  for (const one of different) expect(limit.check(one, 0).kind).toBe("success");
});

it("they are counted anew every hour", () => {
  const limit = new SeriesLimit(2, walkMetrics, SEED);
  expect(limit.check(body({}, "a", "webrtc.io", received), 0).kind).toBe("success");
  expect(limit.check(body({}, "a", "webrtc.io", sent), 3_599_999).kind).toBe("failure");
  expect(limit.check(body({}, "a", "webrtc.io", sent), 3_600_000).kind).toBe("success");
});

it("ten thousand are told apart", () => {
  const limit = new SeriesLimit(10_001, walkMetrics, SEED);
  const points = Array.from({ length: 10_000 }, (_, index) => ({ index }));
  expect(limit.check(body({}, "a", "webrtc.io", ...points), 0).kind).toBe("success");
  expect(limit.check(body({}, "a", "webrtc.io", { index: 10_000 }), 0).kind).toBe("failure");
});

it("a scope without a series takes room, too", () => {
  const limit = new SeriesLimit(1000, walkMetrics, SEED);
  const scopes = Array.from({ length: 11_000 }, (_, index) => ({ scope: `s${index}`, metrics: [] }));
  expect(limit.check(otlpRequest(scopes.slice(0, 1000)), 0).kind).toBe("success");
  expect(limit.check(otlpRequest(scopes), 0)).toMatchObject({ kind: "failure", code: "too_large" });
  expect(limit.check(otlpRequest(scopes.slice(0, 1000)), 0).kind).toBe("success");
});

it("a series that starts anew takes room again", () => {
  const limit = new SeriesLimit(17, walkMetrics, SEED);
  const startingAt = (start: bigint): Uint8Array =>
    otlpRequest([{ metrics: [{ name: "webrtc.io", unit: "By", sum: [{ start, time: 2n ** 40n, value: 1n }] }] }]);
  for (let start = 1n; start <= 16n; start++) expect(limit.check(startingAt(start), 0).kind).toBe("success");
  expect(limit.check(startingAt(2n ** 33n + 1n), 0)).toMatchObject({ code: "too_large" });
  expect(limit.check(startingAt(1n), 0).kind).toBe("success");
});

it.each(["explicit", "exponential"])("a point of an %s histogram has at most as many buckets as pages keep", (kind) => {
  const limit = new SeriesLimit(10, walkMetrics, SEED);
  const bodyWith = (buckets: number): Uint8Array => {
    const bucketCounts = Array.from({ length: buckets }, (_, index) => (index % 2 === 0 ? 1n : 300n));
    const point = { start: 1n, time: 2n, count: 1n, bucketCounts };
    const bounds = Array.from({ length: buckets - 1 }, (_, index) => index);
    const data =
      kind === "explicit"
        ? { histogram: [{ ...point, bounds }] }
        : { exponential: [{ ...point, scale: 5, offset: 0 }] };
    return otlpRequest([{ metrics: [{ name: "webrtc.round_trip_time", unit: "s", ...data }] }]);
  };
  expect(limit.check(bodyWith(640), 0).kind).toBe("success");
  expect(limit.check(bodyWith(641), 0)).toMatchObject({
    kind: "failure",
    code: "too_large",
    reason: "a point has more than 640 buckets",
  });
});

it("a body that is no request is refused as the decoder refuses it", () => {
  expect(new SeriesLimit(1, walkMetrics, SEED).check(Uint8Array.of(0xff), 0)).toMatchObject({ code: "invalid" });
});
