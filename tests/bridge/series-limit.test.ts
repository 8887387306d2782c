import { expect, it } from "vitest";
import { SeriesLimit } from "../../src/bridge/series-limit.ts";
import { walkMetrics } from "../../src/otlp/walk-metrics.ts";
import { otlpRequest, type TestAttributes } from "../support/otlp-request.ts";

function body(resource: TestAttributes, scope: string, name: string, ...points: readonly TestAttributes[]): Uint8Array {
  const sum = points.map((attributes) => ({ attributes, start: 1n, time: 2n, value: 3n }));
  return otlpRequest([{ attributes: resource, scope, metrics: [{ name, unit: "By", sum }] }]);
}

const received = { "network.io.direction": "receive" };
const sent = { "network.io.direction": "transmit" };

it("series differ by resource, scope, metric and attributes, and not by value or time", () => {
  const limit = new SeriesLimit(5, walkMetrics);
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
  const limit = new SeriesLimit(1, walkMetrics);
  expect(limit.check(body({}, "a", "webrtc.io", received), 0).kind).toBe("success");
  expect(limit.check(body({}, "a", "webrtc.io", sent), 3_599_999).kind).toBe("failure");
  expect(limit.check(body({}, "a", "webrtc.io", sent), 3_600_000).kind).toBe("success");
});

it("ten thousand are told apart", () => {
  const limit = new SeriesLimit(10_000, walkMetrics);
  const points = Array.from({ length: 10_000 }, (_, index) => ({ index }));
  expect(limit.check(body({}, "a", "webrtc.io", ...points), 0).kind).toBe("success");
  expect(limit.check(body({}, "a", "webrtc.io", { index: 10_000 }), 0).kind).toBe("failure");
});

it("a body that is no request is refused as the decoder refuses it", () => {
  expect(new SeriesLimit(1, walkMetrics).check(Uint8Array.of(0xff), 0)).toMatchObject({ code: "invalid" });
});
