import { describe, expect, it } from "vitest";
import { ConnectionClock, LONGEST_GAP_MILLIS, standingOf } from "../../src/browser/connection-clock.ts";
import type { ConnectionReading } from "../../src/browser/connection-reading.ts";
import { Measurement, MAX_CONNECTIONS, STALE_MILLIS } from "../../src/browser/measurement.ts";
import type { MetricAttributes, MetricSink } from "../../src/browser/metric-sink.ts";
import { metricMeaning } from "../../src/model/metric-meaning.ts";
import { at, FollowedPage, type RawEntry, recordedCall } from "./reports.ts";

/** Keeps everything that is recorded. */
class RecordedMetrics implements MetricSink {
  readonly added: { metric: string; value: number; attributes: MetricAttributes }[] = [];
  readonly recorded: { metric: string; value: number }[] = [];

  add(metric: string, value: number, attributes: MetricAttributes): void {
    this.added.push({ metric, value, attributes });
  }

  record(metric: string, value: number): void {
    this.recorded.push({ metric, value });
  }

  total(metric: string, attributes: MetricAttributes = {}): number {
    const matching = this.added.filter(
      (one) =>
        one.metric === metric && Object.entries(attributes).every(([name, value]) => one.attributes[name] === value),
    );
    return matching.reduce((sum, { value }) => sum + value, 0);
  }
}

/** Measures one connection, a report a second. */
function measure(
  reports: readonly (readonly RawEntry[])[],
  connectionState?: string,
): { sink: RecordedMetrics; readings: ConnectionReading[]; changes: boolean[] } {
  const sink = new RecordedMetrics();
  const measurement = new Measurement(sink);
  const page = new FollowedPage();
  const readings: ConnectionReading[] = [];
  const changes: boolean[] = [];
  for (const entries of reports) {
    const report = page.post(entries, 1_000, connectionState);
    readings.push(measurement.take(1, report)!);
    changes.push(measurement.endTick(report.atMillis));
  }
  return { sink, readings, changes };
}

describe("a recorded call, measured", () => {
  const reports = recordedCall();
  const { sink, readings } = measure(reports);
  const transport = reports.at(-1)!.find(({ type }) => type === "transport")!;

  it("makes every byte a metric, as direct", () => {
    const direct = { "webrtc.relay": false, "network.io.direction": "transmit" };
    expect(sink.total("webrtc.io", direct)).toBe(transport["bytesSent"]);
    expect(sink.total("webrtc.io")).toBe(Number(transport["bytesSent"]) + Number(transport["bytesReceived"]));
    expect(sink.total("webrtc.wire.io")).toBeGreaterThan(sink.total("webrtc.io"));
  });

  it("counts whole bytes, packets and frames", () => {
    const whole = new Set(["webrtc.io", "webrtc.wire.io", "webrtc.packets", "webrtc.packets.lost", "webrtc.frames"]);
    for (const { value } of sink.added.filter(({ metric }) => whole.has(metric))) {
      expect(Number.isInteger(value)).toBe(true);
    }
  });

  it("records nothing that the receiver could not count", () => {
    const metrics = [...sink.added, ...sink.recorded.map((one) => ({ ...one, attributes: {} }))];
    for (const { metric, attributes } of metrics) {
      const meaning = metricMeaning(metric);
      const columns = meaning?.columns(new Map(Object.entries(attributes)));
      expect({ metric, counted: (columns?.counts.length ?? 0) + (columns?.values.length ?? 0) > 0 }).toEqual({
        metric,
        counted: true,
      });
    }
    expect(new Set(metrics.map(({ metric }) => metric))).toContain("webrtc.jitter");
  });

  it("counts the connected time once, from the first pair", () => {
    expect(sink.total("webrtc.connection.time")).toBe(reports.length - 2);
  });

  it("gives the page its numbers", () => {
    const reading = readings.at(-1)!;
    expect(reading.connected).toBe(true);
    expect(reading.bitsPerSecond.transmit).toBeGreaterThan(10_000);
    expect(reading.framesPerSecond.receive).toBeGreaterThan(10);
    expect(reading.loss.audio.receive).toBe(0);
    expect(reading.quality.level).not.toBe("unknown");
    expect(reading.relay.relayed).toBe(false);
  });

  it("knows nothing of the first report, and calls nothing 0", () => {
    expect(readings[0]).toMatchObject({
      connected: false,
      bitsPerSecond: { receive: undefined, transmit: undefined },
      roundTrip: undefined,
      jitterSeconds: undefined,
      quality: { level: "unknown" },
    });
  });
});

interface Call {
  readonly relayed?: boolean;
  readonly lossPerTick?: number;
  readonly roundTripSeconds?: number;
}

/** A call of audio, with a server, a second. */
function tick(second: number, { relayed = false, lossPerTick = 0, roundTripSeconds = 0.04 }: Call = {}): RawEntry[] {
  return at(second, [
    {
      id: "T",
      type: "transport",
      selectedCandidatePairId: "P",
      bytesSent: second * 1_000,
      bytesReceived: second * 2_000,
      packetsSent: second * 50,
      packetsReceived: second * 50,
    },
    {
      id: "P",
      type: "candidate-pair",
      transportId: "T",
      localCandidateId: relayed ? "LR" : "L",
      responsesReceived: second,
      totalRoundTripTime: second * roundTripSeconds,
    },
    { id: "L", type: "local-candidate", candidateType: "host" },
    { id: "LR", type: "local-candidate", candidateType: "relay", relayProtocol: "udp", url: "turn:turn.example" },
    {
      id: "IA",
      type: "inbound-rtp",
      kind: "audio",
      packetsReceived: second * 50,
      packetsLost: second * lossPerTick,
      jitter: 0.003,
    },
  ]);
}

function ticks(count: number, call: Call = {}): RawEntry[][] {
  return Array.from({ length: count }, (_, second) => tick(second + 1, call));
}

describe("quality, from reports", () => {
  it.each<[Call, string, string]>([
    [{}, "excellent", "none"],
    [{ lossPerTick: 10 }, "poor", "received_audio_loss"],
    [{ roundTripSeconds: 1 }, "poor", "received_audio_delay"],
  ])("of a call with %j is %s, for %s", (call, level, reason) => {
    const { readings, sink } = measure(ticks(20, call));
    expect(readings.at(-1)!.quality).toMatchObject({ level, reason });
    expect(sink.total("webrtc.connection.time", { "webrtc.quality": level })).toBeGreaterThan(15);
  });

  it("is poor at once, with its reason, when the browser stops hearing of the peer", () => {
    const { readings } = measure(ticks(3), "disconnected");
    expect(readings.at(-1)!.quality).toMatchObject({ level: "poor", score: 0, reason: "connection_interrupted" });
  });

  it("is unknown without a round trip: it is not taken for 0", () => {
    const without = ticks(10).map((report) =>
      report.map((entry) => (entry.id === "P" ? { ...entry, totalRoundTripTime: undefined } : entry)),
    );
    expect(measure(without).readings.at(-1)!.quality.level).toBe("unknown");
  });

  it("is that of the freezes, when video stands still", () => {
    const frozen = ticks(15).map((report, second) => [
      ...report,
      ...at(second + 1, [
        {
          id: "IV",
          type: "inbound-rtp",
          kind: "video",
          packetsReceived: second * 80,
          packetsLost: 0,
          framesReceived: second * 30,
          framesDecoded: second * 30,
          totalFreezesDuration: second * 0.3,
        },
      ]),
    ]);
    const { readings, sink } = measure(frozen);
    expect(readings.at(-1)!.quality).toMatchObject({ level: "poor", reason: "received_video_freeze" });
    expect(sink.total("webrtc.freeze.time")).toBeCloseTo(14 * 0.3, 6);
  });

  const sending = (limitation: string | undefined, encodedPerTick: number, bytesPerTick: number) =>
    ticks(15).map((report, second) => [
      ...report,
      ...at(second + 1, [
        {
          id: "OV",
          type: "outbound-rtp",
          kind: "video",
          mediaSourceId: "SV",
          packetsSent: second * 80,
          framesEncoded: second * encodedPerTick,
          bytesSent: second * bytesPerTick,
          qualityLimitationReason: limitation,
        },
        { id: "SV", type: "media-source", kind: "video", frames: second * 30, width: 1_280, height: 720 },
      ]),
    ]);

  it.each([
    ["bandwidth", 30, 2_000, "poor", "sent_video_bitrate"],
    ["bandwidth", 30, 200_000, "excellent", "none"],
    ["cpu", 12, 200_000, "poor", "sent_video_frames"],
    [undefined, 12, 200_000, "poor", "sent_video_frames"],
    // The page asked for little: that is no fault.
    ["none", 12, 2_000, "excellent", "none"],
  ])(
    "with the encoder limited by %s to %d frames and %d bytes a second is %s",
    (limitation, frames, bytes, ...expected) => {
      const [level, reason] = expected;
      expect(measure(sending(limitation, frames, bytes)).readings.at(-1)!.quality).toMatchObject({ level, reason });
    },
  );
});

describe("relay use", () => {
  it("is on the bytes and on the time, and its change is told at once", () => {
    const reports = [...ticks(5), ...ticks(10, { relayed: true }).slice(5)];
    const { sink, readings, changes } = measure(reports);
    const relayed = { "webrtc.relay": true, "webrtc.relay.protocol": "udp" };
    expect(sink.total("webrtc.io", relayed)).toBe(5 * 3_000);
    expect(sink.total("webrtc.io")).toBe(9 * 3_000);
    expect(sink.total("webrtc.connection.time", { "webrtc.relay": true })).toBe(5);
    expect(readings.at(-1)!.relay).toEqual({
      relayed: true,
      protocol: "udp",
      server: "turn.example",
      remoteRelayed: undefined,
    });
    expect(changes[5]).toBe(true);
    expect(changes.slice(6)).not.toContain(true);
  });

  it("that is not known bills nothing", () => {
    const unknown = ticks(3).map((report) => report.filter(({ type }) => type !== "local-candidate"));
    const { sink } = measure(unknown);
    expect(sink.total("webrtc.io")).toBe(6_000);
    expect(sink.added.some(({ attributes }) => attributes["webrtc.relay"] === true)).toBe(false);
  });
});

describe("several connections", () => {
  it("are one page: relayed if any is, with the quality of the worst", () => {
    const standing = standingOf([
      { connected: true, relayed: false, level: "excellent" },
      { connected: true, relayed: true, level: "unknown" },
      { connected: false, relayed: true, level: "poor" },
    ]);
    expect(standing).toEqual({ connected: true, relayed: true, level: "excellent" });
    expect(standingOf([{ connected: false, relayed: true, level: "poor" }])).toEqual({
      connected: false,
      relayed: false,
      level: "unknown",
    });
  });

  it("count a second once", () => {
    const sink = new RecordedMetrics();
    const measurement = new Measurement(sink);
    const pages = [new FollowedPage(), new FollowedPage(), new FollowedPage()];
    for (let second = 1; second <= 11; second += 1) {
      for (const [index, page] of pages.entries()) measurement.take(index, page.post(tick(second)));
      measurement.endTick(second * 1_000);
    }
    expect(sink.total("webrtc.connection.time")).toBe(10);
    expect(sink.total("webrtc.io")).toBe(3 * 10 * 3_000);
  });

  it("are followed up to a limit, and a removed one makes room", () => {
    const measurement = new Measurement(new RecordedMetrics());
    const report = { atMillis: 0, entries: [] };
    for (let index = 0; index < MAX_CONNECTIONS; index += 1) expect(measurement.take(index, report)).toBeDefined();
    expect(measurement.take(MAX_CONNECTIONS, report)).toBeUndefined();
    measurement.remove(0);
    expect(measurement.take(MAX_CONNECTIONS, report)).toBeDefined();
  });
});

describe("connected time", () => {
  it("of a connection that nothing is heard of any more ends, whatever became of its last message", () => {
    const sink = new RecordedMetrics();
    const measurement = new Measurement(sink);
    const [silent, other] = [new FollowedPage(), new FollowedPage()];
    const end = (second: number): boolean => measurement.endTick(second * 1_000, 1_000);
    for (let second = 1; second <= 5; second += 1) {
      measurement.take(1, silent.post(tick(second, { relayed: true })));
      end(second);
    }
    for (let second = 6; second <= 1_000; second += 1) {
      measurement.take(2, other.post(tick(second)));
      end(second);
    }
    expect(sink.total("webrtc.connection.time")).toBe(999);
    expect(sink.total("webrtc.connection.time", { "webrtc.relay": true })).toBe(5 + STALE_MILLIS / 1_000 - 2);
  });

  it("goes on for as long as a slow browser may be silent where reports are far apart", () => {
    const sink = new RecordedMetrics();
    const measurement = new Measurement(sink);
    const page = new FollowedPage();
    const interval = 60_000;
    for (let minute = 0; minute <= 12; minute += 1) {
      if (minute === 0 || minute === 1 || minute === 12)
        measurement.take(1, page.post(tick(minute * 60 + 1), interval));
      measurement.endTick(minute * interval, interval);
    }
    // A gap counts as far as a relay would outlive it.
    expect(sink.total("webrtc.connection.time")).toBe((12 * LONGEST_GAP_MILLIS) / 1_000);
  });

  it("leaves out what a sleeping machine slept beyond the life of a relay", () => {
    const sink = new RecordedMetrics();
    const clock = new ConnectionClock();
    const standing = { connected: true, relayed: true, level: "good" } as const;
    clock.advance(0, standing, sink);
    clock.advance(8 * 3_600_000, standing, sink);
    clock.advance(8 * 3_600_000 + 500, standing, sink);
    expect(sink.total("webrtc.connection.time")).toBe(LONGEST_GAP_MILLIS / 1_000 + 0.5);
  });

  it("counts as what was measured over it, and as what the page was when it is connected no more", () => {
    const sink = new RecordedMetrics();
    const clock = new ConnectionClock();
    clock.advance(0, { connected: false, relayed: false, level: "unknown" }, sink);
    clock.advance(1_000, { connected: true, relayed: false, level: "good" }, sink);
    clock.advance(3_000, { connected: true, relayed: true, level: "poor" }, sink);
    clock.advance(3_700, { connected: false, relayed: false, level: "unknown" }, sink);
    clock.advance(9_000, { connected: true, relayed: true, level: "poor" }, sink);
    const poor = { "webrtc.quality": "poor", "webrtc.relay": true };
    expect(sink.added).toEqual([
      { metric: "webrtc.connection.time", value: 2, attributes: poor },
      { metric: "webrtc.connection.time", value: 0.7, attributes: poor },
    ]);
  });
});

describe("what is told at once", () => {
  it("has the new level and the new relay use in it", () => {
    const sink = new RecordedMetrics();
    const measurement = new Measurement(sink);
    const page = new FollowedPage();
    const calls = [...ticks(8), ...ticks(20, { relayed: true, lossPerTick: 30 }).slice(8)];
    const told: Record<string, unknown>[] = [];
    for (const [second, entries] of calls.entries()) {
      measurement.take(1, page.post(entries));
      if (measurement.endTick(second * 1_000)) told.push({ second, ...sink.added.at(-1)!.attributes });
    }
    expect(told[0]).toMatchObject({ "webrtc.quality": "excellent", "webrtc.relay": false });
    expect(told[1]).toMatchObject({ second: 8, "webrtc.relay": true });
    expect(told.at(-1)).toMatchObject({ "webrtc.quality": "poor", "webrtc.relay": true });
  });

  it("is one thing at the beginning of a relayed call: its first level", () => {
    const { changes } = measure(ticks(8, { relayed: true }));
    expect(changes.filter(Boolean)).toHaveLength(1);
  });
});
