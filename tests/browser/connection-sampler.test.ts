import { describe, expect, it } from "vitest";
import type { ConnectionSample } from "../../src/browser/connection-sampler.ts";
import { at, FollowedPage, type RawEntry, recordedCall, samplesOf } from "./reports.ts";

function transmitted(samples: readonly ConnectionSample[]): number {
  return samples.flatMap(({ transports }) => transports).reduce((sum, { bytes }) => sum + (bytes.transmit ?? 0), 0);
}

function lastOf<T>(values: readonly T[]): T {
  return values.at(-1)!;
}

function entryOf(report: readonly RawEntry[], type: string, kind?: string): Record<string, number> {
  const found = report.find((entry) => entry.type === type && (kind === undefined || entry["kind"] === kind));
  return found as unknown as Record<string, number>;
}

describe("a call recorded in Chromium, with an ICE restart in the middle", () => {
  const reports = recordedCall();
  const samples = samplesOf(reports);

  it("counts every byte of the transport, from its first", () => {
    expect(transmitted(samples)).toBe(entryOf(lastOf(reports), "transport")["bytesSent"]);
  });

  it("counts the same bytes from the candidate pairs when the transport has no counters", () => {
    const counters = new Set(["bytesSent", "bytesReceived", "packetsSent", "packetsReceived"]);
    const withoutCounters = reports.map((report) =>
      report.map((entry) =>
        entry.type === "transport"
          ? (Object.fromEntries(Object.entries(entry).filter(([name]) => !counters.has(name))) as RawEntry)
          : entry,
      ),
    );
    expect(transmitted(samplesOf(withoutCounters))).toBe(transmitted(samples));
  });

  it("adds 28 bytes for each packet on the wire", () => {
    const transport = lastOf(samples).transports[0]!;
    const [before, after] = reports.slice(-2).map((report) => entryOf(report, "transport")["packetsSent"]!);
    expect(transport.wireBytes.transmit).toBe(transport.bytes.transmit! + 28 * (after! - before!));
  });

  it("follows the pair to the one of after the restart, where stale ones stay nominated", () => {
    const stale = lastOf(reports).filter((entry) => entry.type === "candidate-pair" && entry["nominated"] === true);
    expect(stale.length).toBeGreaterThan(1);
    expect(lastOf(samples).transports[0]!.pairId).toBe(
      (entryOf(lastOf(reports), "transport") as unknown as Record<string, string>)["selectedCandidatePairId"],
    );
  });

  it("finds the same pair by its last packet when the transport names none", () => {
    const unnamed = reports.map((report) =>
      report.map((entry) => {
        if (entry.type !== "transport") return entry;
        return { ...entry, selectedCandidatePairId: undefined };
      }),
    );
    expect(samplesOf(unnamed).map(({ transports }) => transports[0]?.pairId)).toEqual(
      samples.map(({ transports }) => transports[0]?.pairId),
    );
  });

  it("measures round trips by the pair's own counters, and none where none ended", () => {
    const roundTrips = samples.flatMap((sample) => sample.roundTrips);
    expect(roundTrips.length).toBeGreaterThan(0);
    expect(roundTrips.every(({ source, seconds }) => source === "ice" && seconds >= 0 && seconds < 0.1)).toBe(true);
    const responses = reports.map((report) => {
      const selected = (entryOf(report, "transport") as Record<string, unknown> | undefined)?.[
        "selectedCandidatePairId"
      ];
      return report.find(({ id }) => id === selected)?.["responsesReceived"];
    });
    const quietTick = responses.findIndex((count, index) => index > 1 && count === responses[index - 1]);
    if (quietTick > 0) expect(samples[quietTick]!.roundTrips).toEqual([]);
  });

  it("sees frames, packets and jitter, and no loss", () => {
    const { received, sent } = lastOf(samples);
    expect(received.audio.lossRatio).toBe(0);
    expect(received.audio.jitterSeconds).toEqual([entryOf(lastOf(reports), "inbound-rtp", "audio")["jitter"]]);
    expect(received.frames).toBeGreaterThan(10);
    expect(sent.frames).toBeGreaterThan(10);
    expect(received.packets).toBeGreaterThan(40);
    expect(received.freezeSeconds).toBe(0);
    expect(sent.video[0]).toMatchObject({ limitation: "none" });
  });

  it("knows that it is direct, and nothing of the peer's relay", () => {
    expect(lastOf(samples).transports[0]!.relay).toEqual({
      relayed: false,
      protocol: undefined,
      server: undefined,
      remoteRelayed: undefined,
    });
  });

  it("takes a connection that is added late from where it is", () => {
    const late = samplesOf(reports.slice(2));
    const [first, last] = [reports[2]!, lastOf(reports)].map((report) => entryOf(report, "transport")["bytesSent"]!);
    expect(late[0]!.transports[0]!.bytes).toEqual({ receive: undefined, transmit: undefined });
    expect(transmitted(late)).toBe(last! - first!);
  });

  it("loses and doubles nothing when a report comes without the transport", () => {
    const withGap = reports.map((report, index) => (index === 5 ? [] : report));
    expect(transmitted(samplesOf(withGap))).toBe(transmitted(samples));
  });
});

describe("a call recorded in Firefox, with an ICE restart in the middle", () => {
  const reports = recordedCall("firefox");
  const samples = samplesOf(reports);
  const selected = (report: readonly RawEntry[]): RawEntry | undefined =>
    report.find(({ type, selected: marked }) => type === "candidate-pair" && marked === true);

  it("has a transport that counts nothing, and pairs that vanish at the restart", () => {
    const transports = reports.flatMap((report) => report.filter(({ type }) => type === "transport"));
    expect(transports.length).toBeGreaterThan(0);
    expect(transports.some((transport) => "bytesSent" in transport)).toBe(false);
    const pairs = new Set(reports.flatMap((report) => selected(report)?.id ?? []));
    expect(pairs.size).toBe(2);
  });

  it("is counted to the byte of every report that was seen, over both pairs", () => {
    const newest = new Map<string, number>();
    for (const report of reports) {
      for (const pair of report.filter(({ type }) => type === "candidate-pair")) {
        newest.set(pair.id, Number(pair["bytesSent"]));
      }
    }
    expect(transmitted(samples)).toBe([...newest.values()].reduce((sum, bytes) => sum + bytes, 0));
    expect(transmitted(samples)).toBeGreaterThan(10_000);
  });

  it("is direct, with the pair of after the restart, a jitter, a buffer and frames", () => {
    const { transports, received, sent } = lastOf(samples);
    expect(transports).toHaveLength(1);
    expect(transports[0]).toMatchObject({ pairId: selected(lastOf(reports))!.id, relay: { relayed: false } });
    expect(transports[0]!.wireBytes.transmit).toBeGreaterThan(transports[0]!.bytes.transmit!);
    expect(received.audio.jitterSeconds).toEqual([entryOf(lastOf(reports), "inbound-rtp", "audio")["jitter"]]);
    expect(received.audio.bufferSeconds).toBeGreaterThan(0);
    expect(received.audio.bufferSeconds).toBeLessThan(1);
    expect(received.frames).toBeGreaterThan(10);
    expect(sent.frames).toBeGreaterThan(10);
    expect(received.packetsLost).toBe(0);
  });
});

describe("round trips", () => {
  /** A pair whose checks are answered until a second, and RTCP that measures every second. */
  const tick = (second: number, checkedUntil: number): RawEntry[] =>
    at(second, [
      { id: "T", type: "transport", selectedCandidatePairId: "P" },
      {
        id: "P",
        type: "candidate-pair",
        transportId: "T",
        totalRoundTripTime: Math.min(second, checkedUntil) * 0.02,
        responsesReceived: Math.min(second, checkedUntil),
      },
      { id: "O", type: "outbound-rtp", kind: "audio", remoteId: "R", packetsSent: second * 50 },
      {
        id: "R",
        type: "remote-inbound-rtp",
        localId: "O",
        packetsLost: 0,
        totalRoundTripTime: second * 0.03,
        roundTripTimeMeasurements: second,
      },
    ]);
  const sources = (checkedUntil: number): (string | undefined)[] =>
    samplesOf(Array.from({ length: 20 }, (_, index) => tick(index + 1, checkedUntil))).map(
      ({ roundTrips }) => roundTrips[0]?.source,
    );

  it("are those of checks while these are answered", () => {
    expect(sources(20).slice(1)).toEqual(Array.from({ length: 19 }, () => "ice"));
  });

  it("are those of RTCP, alone, when checks have not been answered for a while", () => {
    expect(sources(4)).toEqual([
      undefined,
      "ice",
      "ice",
      "ice",
      ...Array.from({ length: 5 }, () => undefined),
      ...Array.from({ length: 11 }, () => "rtcp"),
    ]);
  });
});

describe("a Firefox report", () => {
  // Firefox 153: a transport without counters; candidate pairs with bytes, without packets.
  const tick = (seconds: number, sent: number, overrides: Record<string, unknown> = {}): RawEntry[] =>
    at(seconds, [
      { id: "transport_0", type: "transport", selectedCandidatePairId: "pair-live" },
      {
        id: "pair-live",
        type: "candidate-pair",
        transportId: "transport_0",
        localCandidateId: "local",
        remoteCandidateId: "remote",
        nominated: true,
        state: "succeeded",
        selected: true,
        bytesSent: sent * 1_000,
        bytesReceived: sent * 500,
        lastPacketSentTimestamp: seconds,
      },
      { id: "local", type: "local-candidate", candidateType: "relay", relayProtocol: "tls", address: "203.0.113.7" },
      { id: "remote", type: "remote-candidate", candidateType: "prflx", address: "" },
      {
        id: "out-audio",
        type: "outbound-rtp",
        kind: "audio",
        remoteId: "remote-audio",
        packetsSent: sent * 50,
        bytesSent: sent * 900,
      },
      {
        id: "in-audio",
        type: "inbound-rtp",
        kind: "audio",
        packetsReceived: sent * 49,
        packetsLost: sent,
        jitter: 0.004,
      },
      {
        id: "remote-audio",
        type: "remote-inbound-rtp",
        localId: "out-audio",
        packetsLost: sent * 2,
        roundTripTime: 0.05,
        ...overrides,
      },
    ]);

  it("is counted by its pairs, with RTP packets for the wire and RTCP for the round trip", () => {
    const sample = lastOf(samplesOf([tick(1, 1), tick(2, 2), tick(3, 3)]));
    // TURN over TLS, in indications: 20 + 20 + 22 + 38.
    expect(sample.transports[0]).toMatchObject({
      bytes: { receive: 500, transmit: 1_000 },
      wireBytes: { receive: 500 + 49 * 100, transmit: 1_000 + 50 * 100 },
      relay: { relayed: true, protocol: "tls", server: undefined, remoteRelayed: undefined },
    });
    expect(sample.roundTrips).toEqual([{ seconds: 0.05, source: "rtcp" }]);
    expect(sample.received.audio.lossRatio).toBeCloseTo(1 / 50, 10);
    expect(sample.sent.audio.lossRatio).toBeCloseTo(2 / 50, 10);
  });

  it("uses a report of the peer once, against what was sent since the one before", () => {
    const page = new FollowedPage();
    const stale = { timestamp: 1_700_000_001_500, packetsLost: 2 };
    page.sample(tick(1, 1));
    expect(page.sample(tick(2, 2, stale)).sent.audio.lossRatio).toBe(0);
    expect(page.sample(tick(3, 3, stale)).sent.audio.lossRatio).toBeUndefined();
    expect(page.sample(tick(4, 4, { packetsLost: 12 })).sent.audio.lossRatio).toBeCloseTo(10 / 100, 10);
  });

  it("has lost what the first report of the peer tells, of a stream that was followed from its beginning", () => {
    const page = new FollowedPage();
    const unreported = (seconds: number, sent: number): RawEntry[] =>
      tick(seconds, sent).filter(({ id }) => id !== "remote-audio");
    page.sample([]);
    expect(page.sample(unreported(1, 1)).sent).toMatchObject({ packets: 50, packetsLost: undefined });
    expect(page.sample(tick(2, 2)).sent).toMatchObject({ packets: 50, packetsLost: 4, lossRatio: 4 / 100 });
    expect(page.sample(tick(3, 3)).sent).toMatchObject({ packets: 50, packetsLost: 2, lossRatio: 2 / 50 });
  });

  it("does not know what was lost before a stream was followed that the peer had not reported on", () => {
    const page = new FollowedPage();
    page.sample(tick(1, 1).filter(({ id }) => id !== "remote-audio"));
    expect(page.sample(tick(2, 2)).sent.packetsLost).toBeUndefined();
    expect(page.sample(tick(3, 3)).sent.packetsLost).toBe(2);
  });

  it("believes no first report that has lost more than was sent: it began before", () => {
    const page = new FollowedPage();
    page.sample([]);
    page.sample(tick(1, 1).filter(({ id }) => id !== "remote-audio"));
    expect(page.sample(tick(2, 2, { packetsLost: 101 })).sent).toMatchObject({ packets: 50, packetsLost: undefined });
    expect(page.sample(tick(3, 3, { packetsLost: 103 })).sent).toMatchObject({ packets: 50, packetsLost: 2 });
  });

  it("believes no count of lost packets that went below 0 in an unsigned number", () => {
    const samples = samplesOf([tick(1, 1), tick(2, 2, { packetsLost: 4_294_967_290 }), tick(3, 3, { packetsLost: 1 })]);
    expect(samples.map(({ sent }) => sent.packetsLost)).toEqual([undefined, undefined, undefined]);
    expect(samples.map(({ sent }) => sent.audio.lossRatio)).toEqual([undefined, undefined, undefined]);
  });

  it("counts a new pair of an ICE restart from its first byte, when the old one has vanished", () => {
    const restarted = tick(3, 3).map((entry) => {
      if (entry.id === "transport_0") return { ...entry, selectedCandidatePairId: "pair-new" };
      return entry.id === "pair-live" ? { ...entry, id: "pair-new", bytesSent: 70, bytesReceived: 30 } : entry;
    });
    const sample = lastOf(samplesOf([tick(1, 1), tick(2, 2), restarted]));
    expect(sample.transports[0]).toMatchObject({ pairId: "pair-new", bytes: { receive: 30, transmit: 70 } });
  });
});

describe("an older Firefox report, without a transport", () => {
  const tick = (seconds: number, bytes: number): RawEntry[] =>
    at(seconds, [
      {
        id: "stale",
        type: "candidate-pair",
        transportId: "t",
        nominated: true,
        selected: false,
        state: "succeeded",
        bytesSent: 9_000,
        bytesReceived: 9_000,
      },
      {
        id: "live",
        type: "candidate-pair",
        transportId: "t",
        nominated: true,
        selected: true,
        state: "succeeded",
        bytesSent: bytes,
        bytesReceived: bytes,
        localCandidateId: "l",
      },
      {
        id: "l",
        type: "local-candidate",
        candidateType: "srflx",
        address: "2001:db8::1",
        url: "turn:turn.example:3478",
      },
      { id: "in", type: "inbound-rtp", mediaType: "video", packetsReceived: bytes / 100, framesDecoded: bytes / 500 },
    ]);

  it("takes the pair that the browser marks, and a TURN URL on a reflexive candidate for no relay", () => {
    const sample = lastOf(samplesOf([tick(1, 1_000), tick(2, 6_000)]));
    expect(sample.transports).toHaveLength(1);
    expect(sample.transports[0]).toMatchObject({
      pairId: "live",
      bytes: { receive: 5_000, transmit: 5_000 },
      // Nothing tells of the packets that were sent.
      wireBytes: { receive: 5_000 + 50 * 48, transmit: 5_000 },
      relay: { relayed: false, server: undefined },
    });
    expect(sample.received.frames).toBe(10);
  });
});

describe("a Safari report", () => {
  // Safari 17: frames and freezes in `track` objects, no packets on transports, remote reports without loss.
  const tick = (seconds: number): RawEntry[] =>
    at(seconds, [
      {
        id: "T",
        type: "transport",
        selectedCandidatePairId: "P",
        bytesSent: seconds * 10_000,
        bytesReceived: seconds * 20_000,
      },
      {
        id: "P",
        type: "candidate-pair",
        transportId: "T",
        localCandidateId: "L",
        remoteCandidateId: "R",
        nominated: true,
        state: "succeeded",
        bytesSent: seconds * 10_000,
        bytesReceived: seconds * 20_000,
        totalRoundTripTime: seconds * 0.06,
        responsesReceived: seconds * 2,
      },
      {
        id: "L",
        type: "local-candidate",
        candidateType: "relay",
        relatedAddress: "2001:db8::2",
        address: "203.0.113.9",
        url: "turn:turn.example:3478?transport=tcp",
      },
      { id: "R", type: "remote-candidate", candidateType: "relay" },
      { id: "IV", type: "inbound-rtp", kind: "video", trackId: "track", packetsReceived: seconds * 80, packetsLost: 0 },
      { id: "OV", type: "outbound-rtp", kind: "video", packetsSent: seconds * 40, framesEncoded: seconds * 15 },
      {
        id: "track",
        type: "track",
        framesReceived: seconds * 30,
        framesDecoded: seconds * 27,
        framesDropped: seconds,
        totalFreezesDuration: seconds * 0.2,
      },
      { id: "RI", type: "remote-inbound-rtp", kind: "", localId: "OV", roundTripTime: 0.09 },
    ]);

  it("is read with its tracks, its relay by the URL, and its round trips never mixed", () => {
    const sample = lastOf(samplesOf([tick(1), tick(2)]));
    expect(sample.transports[0]).toMatchObject({
      bytes: { receive: 20_000, transmit: 10_000 },
      // TURN over TCP on IPv6, as the related address tells: 40 + 20 + 4.
      wireBytes: { receive: 20_000 + 80 * 64, transmit: 10_000 + 40 * 64 },
      relay: { relayed: true, protocol: "tcp", server: "turn.example:3478", remoteRelayed: true },
    });
    expect(sample.roundTrips).toEqual([{ seconds: expect.closeTo(0.03, 10), source: "ice" }]);
    expect(sample.received).toMatchObject({ frames: 30, framesDropped: 1, freezeSeconds: expect.closeTo(0.2, 10) });
    expect(sample.received.video).toMatchObject({ decodedRatio: 0.9, freezeRatio: expect.closeTo(0.2, 10) });
    expect(sample.sent.frames).toBe(15);
    expect(sample.sent.packetsLost).toBeUndefined();
  });
});

describe("relay detection", () => {
  const withLocal = (local: Record<string, unknown>): ConnectionSample =>
    new FollowedPage().sample(
      at(1, [
        { id: "T", type: "transport", selectedCandidatePairId: "P", bytesSent: 1, bytesReceived: 1 },
        { id: "P", type: "candidate-pair", transportId: "T", localCandidateId: "L" },
        { id: "L", type: "local-candidate", ...local },
      ]),
    );

  it.each([
    [{ candidateType: "relay" }, true],
    [{ candidateType: "relay", relayProtocol: "udp" }, true],
    [{ candidateType: "prflx", relayProtocol: "udp" }, true],
    [{ candidateType: "prflx" }, false],
    [{ candidateType: "srflx", url: "turn:turn.example" }, false],
    [{ candidateType: "host" }, false],
    [{}, undefined],
  ])("of a local candidate %j is %s", (local, relayed) => {
    expect(withLocal(local).transports[0]!.relay.relayed).toBe(relayed);
  });
});

describe("time", () => {
  const tick = (seconds: number, reportSeconds = seconds): RawEntry[] =>
    at(reportSeconds, [
      { id: "T", type: "transport", bytesSent: seconds * 1_000, bytesReceived: 0, selectedCandidatePairId: "P" },
      { id: "P", type: "candidate-pair", transportId: "T" },
    ]);

  it("is the reports' own, where ours agrees by and large", () => {
    const page = new FollowedPage();
    page.sample(tick(1));
    expect(page.sample(tick(2.2), 1_000).intervalSeconds).toBeCloseTo(1.2, 6);
  });

  it.each([-3_600, 0, 3_600])("is unknown when the reports' clock is set by %d s, and bytes still count", (jump) => {
    const page = new FollowedPage();
    page.sample(tick(1));
    const sample = page.sample(tick(2, 1 + jump));
    expect(sample.intervalSeconds).toBeUndefined();
    expect(sample.transports[0]!.bytes.transmit).toBe(1_000);
    expect(page.sample(tick(3, 2 + jump)).intervalSeconds).toBeCloseTo(1, 6);
  });

  it("is that of our side: the peer's reports arrive late", () => {
    const page = new FollowedPage();
    const remote = { id: "RI", type: "remote-inbound-rtp", timestamp: 1_700_000_050_000 } as unknown as RawEntry;
    page.sample([...tick(1), remote]);
    expect(page.sample([...tick(2), remote]).intervalSeconds).toBeCloseTo(1, 6);
  });
});

describe("the state of a connection", () => {
  const tick = (iceState?: string): RawEntry[] =>
    at(1, [
      { id: "T", type: "transport", selectedCandidatePairId: "P", ...(iceState === undefined ? {} : { iceState }) },
      { id: "P", type: "candidate-pair", transportId: "T" },
    ]);

  it.each([
    ["connected", undefined, { connected: true, interrupted: false }],
    [undefined, undefined, { connected: true, interrupted: false }],
    ["disconnected", undefined, { connected: true, interrupted: true }],
    [undefined, "disconnected", { connected: true, interrupted: true }],
    ["failed", undefined, { connected: false, interrupted: false }],
    ["connected", "closed", { connected: false, interrupted: false }],
  ])("with ICE %s and the connection %s is %j", (iceState, connectionState, expected) => {
    expect(new FollowedPage().sample(tick(iceState), 1_000, connectionState)).toMatchObject(expected);
  });

  it("without a pair is not connected", () => {
    expect(new FollowedPage().sample(at(1, [{ id: "T", type: "transport" }])).connected).toBe(false);
  });
});
