/** What pages report becomes the WebRTC columns of the totals, per meeting and participant, exactly. */
import { describe, expect, test } from "vitest";
import type { SeriesDimensions } from "../../src/model/dimensions.ts";
import { ROLLUP_COLUMNS } from "../../src/model/rollup-columns.ts";
import { otlpRequest, type TestMetric, type TestNumberPoint } from "../support/otlp-request.ts";
import { at, BIRTH, FoldHarness } from "./fold-harness.ts";

const START = at(1);

/** Counters of a page after `times` equal shares. Every amount differs, so that no two columns can be mistaken. */
function counters(times: number, seconds: number): TestMetric[] {
  const time = at(seconds);
  const point = (value: number, attributes: TestNumberPoint["attributes"] = {}): TestNumberPoint => ({
    attributes,
    start: START,
    time,
    value: Number.isInteger(value) ? BigInt(value * times) : value * times,
  });
  const directions = (received: number, sent: number): TestNumberPoint[] => [
    point(received, { "network.io.direction": "receive" }),
    point(sent, { "network.io.direction": "transmit" }),
  ];
  const io = (relay: boolean, received: number, sent: number): TestNumberPoint[] =>
    directions(received, sent).map((one) => ({ ...one, attributes: { ...one.attributes, "webrtc.relay": relay } }));
  const levels = ["excellent", "good", "fair", "poor", "unknown"];
  const histogram = { start: START, time, scale: 5, offset: -64, count: BigInt(4 * times) };
  return [
    { name: "webrtc.io", unit: "By", sum: [...io(false, 1001, 1002), ...io(true, 203, 304)] },
    { name: "webrtc.wire.io", unit: "By", sum: [...io(false, 1101, 1102), ...io(true, 213, 314)] },
    {
      name: "webrtc.round_trip_time",
      exponential: [{ ...histogram, sum: 0.5 * times, bucketCounts: [1n, 3n].map((count) => count * BigInt(times)) }],
    },
    { name: "webrtc.jitter", exponential: [{ ...histogram, sum: 0.25 * times, bucketCounts: [BigInt(4 * times)] }] },
    { name: "webrtc.packets", sum: directions(51, 52) },
    { name: "webrtc.packets.lost", sum: directions(3, 4) },
    {
      name: "webrtc.connection.time",
      sum: levels.flatMap((quality, index) => [
        point(1.125 + index, { "webrtc.quality": quality, "webrtc.relay": false }),
        point(0.5 + index, { "webrtc.quality": quality, "webrtc.relay": true }),
      ]),
    },
    { name: "webrtc.freeze.time", sum: [point(0.375)] },
    { name: "webrtc.frames", sum: directions(61, 62) },
    { name: "webrtc.frames.dropped", sum: [point(7, { "network.io.direction": "receive" })] },
  ];
}

const EXPECTED: Readonly<Record<string, bigint>> = {
  latency_count: 4n,
  bytes_in: 1204n,
  bytes_out: 1306n,
  wire_bytes_in: 1314n,
  wire_bytes_out: 1416n,
  connected_seconds: 28_125n,
  relay_seconds: 12_500n,
  relay_bytes: 507n,
  packets_in: 51n,
  packets_out: 52n,
  packets_lost_in: 3n,
  packets_lost_out: 4n,
  jitter_count: 4n,
  freeze_seconds: 375n,
  frames: 123n,
  frames_dropped: 7n,
  quality_excellent_seconds: 1625n,
  quality_good_seconds: 3625n,
  quality_fair_seconds: 5625n,
  quality_poor_seconds: 7625n,
  quality_unknown_seconds: 9625n,
};

const times = (factor: bigint): Record<string, bigint> =>
  Object.fromEntries(Object.entries(EXPECTED).map(([name, value]) => [name, value * factor]));

const NO_PRICE = { nanosPerUserHour: 0, nanosPerGigabyte: 0 };

function receive(harness: FoldHarness, share: number, seconds: number, participant = "p", instance = "tab"): void {
  const body = otlpRequest([{ attributes: { "service.instance.id": instance }, metrics: counters(share, seconds) }]);
  harness.receive(body, BIRTH + seconds, { identity: { meeting: "m", participant } });
}

describe("the WebRTC columns", () => {
  test("hold every metric of a participant once, however often its counters come", () => {
    const harness = new FoldHarness({ prices: NO_PRICE });
    receive(harness, 1, 10);
    expect(harness.totals()).toEqual(EXPECTED);
    receive(harness, 3, 20);
    receive(harness, 3, 21);
    harness.restart();
    receive(harness, 4, 90);
    const { relay_cost_nanos: _, ...totals } = harness.totals();
    expect(totals).toEqual(times(4n));
    for (const granularity of ["minute", "hourly", "daily"] as const) {
      for (const { name, kind } of ROLLUP_COLUMNS) {
        if (kind !== "seconds") expect([name, harness.total(name, granularity)]).toEqual([name, times(4n)[name] ?? 0n]);
      }
    }
    expect(new Set(harness.latency().values())).toEqual(new Set([4, 12]));
  });

  test("tell meetings and participants apart, and not the pages of one", () => {
    const harness = new FoldHarness({ prices: NO_PRICE });
    receive(harness, 1, 10, "p", "first tab");
    receive(harness, 2, 10, "p", "second tab");
    receive(harness, 5, 10, "q");
    const people = [...harness.fold.series.all()].map(({ dimensions, id }) => ({ dimensions, id }));
    expect(people.map(({ dimensions }) => dimensions)).toEqual(
      ["p", "q"].map((participantId) =>
        expect.objectContaining<Partial<SeriesDimensions>>({
          protocol: "webrtc",
          side: "client",
          meetingId: "m",
          participantId,
        }),
      ),
    );
    harness.commit();
    const daily = harness.increments.flatMap(({ rollups }) => rollups.daily);
    const bytesOf = (id: bigint): number =>
      daily
        .filter(({ seriesId }) => seriesId === id)
        .reduce((sum, { values }) => sum + values[ROLLUP_COLUMNS.findIndex(({ name }) => name === "bytes_in")]!, 0);
    expect(people.map(({ id }) => bytesOf(id))).toEqual([3 * 1204, 5 * 1204]);
  });

  test("price what is relayed when it is folded: a later price changes nothing that was", () => {
    const prices = { nanosPerUserHour: 50_000_000, nanosPerGigabyte: 2_000_000_000 };
    const harness = new FoldHarness({ prices });
    const relayed = (seconds: number, bytes: bigint, minute: number): Uint8Array => {
      const attributes = { "webrtc.relay": true, "webrtc.quality": "good", "network.io.direction": "receive" };
      const point = { attributes, start: START, time: at(minute * 60) };
      return otlpRequest([
        {
          metrics: [
            { name: "webrtc.connection.time", sum: [{ ...point, value: seconds }] },
            { name: "webrtc.io", sum: [{ ...point, value: bytes }] },
          ],
        },
      ]);
    };
    const identity = { meeting: "m", participant: "p" };
    harness.receive(relayed(60, 10_000_000n, 1), BIRTH + 60, { identity });
    // A minute of 0.05 an hour, and a hundredth of a GB.
    const first = 833_333n + 20_000_000n;
    expect(harness.total("relay_cost_nanos")).toBe(first);
    const dearer = new FoldHarness({ prices: { nanosPerUserHour: 100_000_000, nanosPerGigabyte: 0 } });
    for (const [key, row] of harness.stored) dearer.stored.set(key, row);
    dearer.receive(relayed(120, 20_000_000n, 2), BIRTH + 120, { identity });
    expect(dearer.total("relay_cost_nanos")).toBe(3_333_333n - 1_666_667n);
    expect(harness.total("relay_cost_nanos")).toBe(first);
  });

  test("price an hour of many reports as an hour, across restarts, to half a billionth a counter", () => {
    const prices = { nanosPerUserHour: 50_000_000, nanosPerGigabyte: 123_456_789 };
    const harness = new FoldHarness({ prices });
    const attributes = { "webrtc.relay": true, "webrtc.quality": "good", "network.io.direction": "receive" };
    for (let report = 1; report <= 360; report++) {
      const point = { attributes, start: START, time: at(1 + report * 10) };
      const metrics: TestMetric[] = [
        { name: "webrtc.connection.time", sum: [{ ...point, value: report * 10 }] },
        { name: "webrtc.io", sum: [{ ...point, value: BigInt(report * 12_347) }] },
      ];
      harness.receive(otlpRequest([{ metrics }]), BIRTH + 1 + report * 10, {
        identity: { meeting: "m", participant: "p" },
      });
      if (report % 100 === 0) harness.restart();
    }
    expect(harness.total("relay_cost_nanos")).toBe(50_000_000n + BigInt(Math.round(360 * 12_347 * 0.123456789)));
  });
});
