import { describe, expect, it } from "vitest";
import { overflowDimensions } from "../../src/model/dimensions.ts";
import { latencyBound, latencyIndex } from "../../src/model/latency-histogram.ts";
import type { RealtimeParticipant, RealtimeSeries } from "../../src/model/realtime-store.ts";
import { liveHistory } from "../../src/realtime/live-history.ts";
import { liveView } from "../../src/realtime/live-view.ts";
import type { LiveAlert } from "../../src/model/live-alert.ts";
import type { LiveView } from "../../src/realtime/live-view.ts";
import {
  httpDimensions,
  participantSeries,
  realtimeSeries,
  realtimeStep,
  webrtcDimensions,
  webrtcStep,
} from "../support/realtime-figures.ts";

const NOW = 1_763_800_000_000;
const PRICES = { nanosPerUserHour: 50_000_000, nanosPerGigabyte: 100_000_000 };

function view(series: readonly RealtimeSeries[], alerts: readonly LiveAlert[] = []): LiveView {
  return liveView(series, NOW, alerts, PRICES);
}

function histogram(
  ...observations: readonly (readonly [seconds: number, count: number])[]
): readonly (readonly [number, number])[] {
  return observations.map(([seconds, count]) => [latencyIndex(seconds), count] as const);
}

describe("liveView", () => {
  it("has every field of the contract when there is nothing, with null for percentiles", () => {
    expect(JSON.parse(JSON.stringify(view([])))).toEqual({
      at: NOW,
      http: {
        bytesInPerSecond: 0,
        bytesOutPerSecond: 0,
        requestsPerSecond: 0,
        errorRatio: 0,
        latencySeconds: { p50: null, p95: null, p99: null },
        topEndpoints: [],
      },
      webrtc: {
        meetings: 0,
        participants: 0,
        participantsByMeeting: {},
        quality: { excellent: 0, good: 0, fair: 0, poor: 0, unknown: 0 },
        relayParticipants: 0,
        relayShare: 0,
        relayCostPerHour: 0,
        roundTripTimeSeconds: { p50: null, p95: null },
        packetLossRatio: 0,
      },
      alerts: [],
    });
  });

  it("adds up the server's series, and leaves out the client's and the expired", () => {
    const rates = { bytesInPerSecond: 10, bytesOutPerSecond: 100, requestsPerSecond: 4, errorsPerSecond: 1 };
    const { http } = view([
      realtimeSeries({ ...rates, seriesId: "1", latency: histogram([0.01, 98]) }),
      realtimeSeries({ ...rates, seriesId: "2", errorsPerSecond: 0, latency: histogram([0.2, 1], [3, 1]) }),
      realtimeSeries({ ...rates, seriesId: "3", dimensions: httpDimensions({ side: "client" }) }),
      realtimeSeries({ ...rates, seriesId: "4", dimensions: webrtcDimensions("m", "p") }),
      realtimeSeries({ ...rates, seriesId: "5", expiresAtMillis: NOW }),
    ]);
    expect(http).toMatchObject({
      bytesInPerSecond: 20,
      bytesOutPerSecond: 200,
      requestsPerSecond: 8,
      errorRatio: 1 / 8,
    });
    expect(http.latencySeconds.p50).toBeCloseTo(0.01, 3);
    expect(http.latencySeconds.p95).toBeCloseTo(0.01, 3);
    expect(http.latencySeconds.p99).toBeCloseTo(0.2, 2);
  });

  it("lists the endpoints with most bytes, each once, at most 20, in an order that does not flicker", () => {
    const series = Array.from({ length: 30 }, (_, index) =>
      [200, 500].map((statusCode) =>
        realtimeSeries({
          seriesId: `${index}-${statusCode}`,
          dimensions: httpDimensions({ route: `/${index}`, statusCode }),
          bytesInPerSecond: index < 25 ? index : 1,
          bytesOutPerSecond: index < 25 ? index : 1,
          requestsPerSecond: 1,
          latency: statusCode === 200 ? histogram([0.1, 1]) : [],
        }),
      ),
    ).flat();
    const { topEndpoints } = view(series).http;
    expect(topEndpoints.map((endpoint) => endpoint.route)).toEqual(
      Array.from({ length: 20 }, (_, index) => `/${24 - index}`),
    );
    expect(topEndpoints[0]).toMatchObject({ service: "api", method: "GET", bytesPerSecond: 96, requestsPerSecond: 2 });
    expect(topEndpoints[0]!.p95).toBeCloseTo(0.1, 2);
    expect(view(series.toReversed()).http.topEndpoints).toEqual(topEndpoints);
    expect(view([realtimeSeries()]).http.topEndpoints[0]!.p95).toBeNull();
  });

  it("counts meetings and participants, whatever they are called, and their round-trip times", () => {
    const series = [
      ["__proto__", "a"],
      ["__proto__", "b"],
      ["__proto__", "b"],
      ["other", "a"],
    ].map(([meeting, participant], index) => ({
      ...participantSeries(meeting!, participant!),
      seriesId: String(index),
      latency: histogram([0.05, 5]),
    }));
    const { webrtc } = JSON.parse(JSON.stringify(view(series))) as LiveView;
    expect(webrtc).toMatchObject({ meetings: 2, participants: 3, quality: { unknown: 3 } });
    expect(Object.entries(webrtc.participantsByMeeting)).toEqual([
      ["__proto__", 2],
      ["other", 1],
    ]);
    expect(webrtc.roundTripTimeSeconds.p95).toBeCloseTo(0.05, 2);
  });

  it("counts a participant once, by the worst level and any relay that its series tell of", () => {
    const { webrtc } = view([
      participantSeries("m", "a", { quality: "good" }),
      participantSeries("m", "a", { quality: "poor", relayedMonitors: 1 }),
      participantSeries("m", "b", { quality: "unknown", relayedMonitors: 2 }),
      participantSeries("m", "b", { quality: "excellent" }),
      participantSeries("n", "a", { quality: "fair" }),
      { ...participantSeries("n", "gone", { quality: "poor", relayedMonitors: 1 }), expiresAtMillis: NOW },
      // What is beyond the series limit is of nobody that could be counted.
      realtimeSeries({
        dimensions: overflowDimensions(0, "webrtc", "client"),
        participant: participantSeries("", "").participant!,
      }),
    ]);
    expect(webrtc).toMatchObject({
      meetings: 2,
      participants: 3,
      participantsByMeeting: { m: 2, n: 1 },
      quality: { excellent: 1, good: 0, fair: 1, poor: 1, unknown: 0 },
      relayParticipants: 2,
      relayShare: 2 / 3,
      relayCostPerHour: 0.15,
    });
  });

  it("counts two tenants' participants of one meeting's id as two, and lists the id once", () => {
    const of = (namespace: string, changes: Partial<RealtimeParticipant>, participant = "a"): RealtimeSeries => {
      const series = participantSeries("m", participant, changes);
      return { ...series, dimensions: { ...series.dimensions, namespace } };
    };
    const { webrtc } = view([
      of("shop", { quality: "good" }),
      of("bank", { quality: "poor", relayedMonitors: 1 }),
      of("", { quality: "good" }, "b"),
      of("bank", { quality: "poor" }),
    ]);
    expect(webrtc).toMatchObject({
      meetings: 3,
      participants: 3,
      participantsByMeeting: { m: 3 },
      quality: { excellent: 0, good: 2, fair: 0, poor: 1, unknown: 0 },
      relayParticipants: 1,
    });
  });

  it("prices the relay use of now: twenty users an hour cost 1.00, and a gigabyte what it costs", () => {
    const users = Array.from({ length: 20 }, (_, user) =>
      participantSeries("m", `user ${user}`, { relayedMonitors: 1, relayBytesPerSecond: 1e9 / 3600 / 20 }),
    );
    expect(view(users).webrtc.relayCostPerHour).toBeCloseTo(1 + 0.1, 12);
  });

  it("tells the worse of what is lost on the way in and on the way out", () => {
    const lossOf = (...series: RealtimeSeries[]) => view(series).webrtc.packetLossRatio;
    const inLossy = participantSeries("m", "a", { packetsInPerSecond: 95, packetsLostInPerSecond: 5 });
    const outLossy = participantSeries("m", "b", { packetsOutPerSecond: 100, packetsLostOutPerSecond: 8 });
    expect(lossOf(inLossy)).toBe(0.05);
    expect(lossOf(inLossy, outLossy)).toBe(0.08);
    expect(lossOf(participantSeries("m", "a", { packetsLostInPerSecond: 1 }))).toBe(1);
    expect(lossOf(participantSeries("m", "a", { packetsOutPerSecond: 1, packetsLostOutPerSecond: 3 }))).toBe(1);
    expect(lossOf(participantSeries("m", "a"))).toBe(0);
  });

  it("lists the largest meetings, at most 100, and counts all", () => {
    const series = Array.from({ length: 150 }, (_, meeting) =>
      Array.from({ length: meeting < 2 ? 3 : 1 }, (__, user) => participantSeries(`m${meeting}`, `u${user}`)),
    ).flat();
    const { webrtc } = view(series.toReversed());
    expect(webrtc).toMatchObject({ meetings: 150, participants: 154 });
    expect(Object.entries(webrtc.participantsByMeeting)).toHaveLength(100);
    expect(Object.entries(webrtc.participantsByMeeting).slice(0, 3)).toEqual([
      ["m0", 3],
      ["m1", 3],
      ["m10", 1],
    ]);
  });

  it("hands alerts on", () => {
    const alert = {
      rule: "r",
      severity: "warning",
      scope: "s",
      state: "firing",
      value: 2,
      threshold: 1,
      startedAt: 1,
      resolvedAt: null,
    };
    expect(view([], [alert]).alerts).toEqual([alert]);
  });
});

describe("liveHistory", () => {
  it("tells each step, with null for percentiles without observations", () => {
    const steps = [
      realtimeStep({ atMillis: NOW, requestsPerSecond: 2 }),
      realtimeStep({ atMillis: NOW + 5000, latency: histogram([0.3, 1]) }),
    ];
    const history = liveHistory(steps, PRICES);
    expect(history.stepMillis).toBe(5000);
    expect(history.steps.map((step) => step.at)).toEqual([NOW, NOW + 5000]);
    expect(history.steps[0]).toMatchObject({
      requestsPerSecond: 2,
      latencySeconds: { p50: null, p95: null, p99: null },
      roundTripBuckets: [],
    });
    expect(history.steps[1]!.latencySeconds.p50).toBeCloseTo(0.3, 1);
  });

  it("tells what participants did in each step", () => {
    const webrtc = webrtcStep({
      bytesInPerSecond: 1,
      bytesOutPerSecond: 2,
      meetings: 1,
      participants: 4,
      relayParticipants: 1,
      relayedMonitors: 2,
      packetsInPerSecond: 9,
      packetsLostInPerSecond: 1,
    });
    const steps = [realtimeStep({ webrtc, roundTrip: histogram([0.05, 1]) }), realtimeStep({ atMillis: 5000 })];
    const history = liveHistory(steps, PRICES);
    expect(history.steps[0]!.webrtc).toMatchObject({
      bytesInPerSecond: 1,
      bytesOutPerSecond: 2,
      meetings: 1,
      participants: 4,
      relayParticipants: 1,
      relayShare: 0.25,
      relayCostPerHour: 0.1,
      packetLossRatio: 0.1,
    });
    expect(history.steps[0]!.webrtc.roundTripTimeSeconds.p95).toBeCloseTo(0.05, 2);
    expect(history.steps[1]!.webrtc).toMatchObject({
      relayShare: 0,
      packetLossRatio: 0,
      roundTripTimeSeconds: { p50: null, p95: null },
    });
  });

  it("puts every round-trip time into the heatmap bucket that holds it, and loses none", () => {
    const seconds = [0.0004, 0.02, 0.021, 0.5, 1, 1.0001, 7];
    const steps = [realtimeStep({ roundTrip: histogram(...seconds.map((one) => [one, 1] as const)) })];
    const buckets = liveHistory(steps, PRICES).steps[0]!.roundTripBuckets;
    for (const one of seconds) {
      const holding = buckets.filter((bucket) => bucket.fromSeconds < one && one <= bucket.toSeconds);
      expect(holding.length).toBe(1);
    }
    expect(buckets.reduce((total, bucket) => total + bucket.count, 0)).toBe(seconds.length);
    for (const bucket of buckets) expect(bucket.toSeconds / bucket.fromSeconds).toBeCloseTo(latencyBound(8), 9);
  });
});
