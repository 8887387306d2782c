import { describe, expect, it } from "vitest";
import { ReportReader, type StatsReport, WALK_EVERY_TICKS } from "../../src/browser/report-reader.ts";
import type { AnyStatsEntry } from "../../src/browser/stats-entry.ts";
import { at, type RawEntry, recordedCall, reportOf } from "./reports.ts";

/** A report that counts how often it is walked. */
class WatchedReport implements StatsReport {
  walks = 0;
  readonly #map: StatsReport;

  constructor(entries: readonly RawEntry[]) {
    this.#map = reportOf(entries);
  }

  get size(): number {
    return this.#map.size;
  }

  get(id: string): unknown {
    return this.#map.get(id);
  }

  forEach(visit: (value: unknown) => void): void {
    this.walks += 1;
    this.#map.forEach(visit);
  }
}

function pair(id: string, more: Record<string, unknown> = {}): Omit<RawEntry, "timestamp"> {
  return { id, type: "candidate-pair", transportId: "T", localCandidateId: `${id}-local`, ...more };
}

describe("what leaves the main thread", () => {
  const secrets = ["203.0.113.5", "198.51.100.8", "2001:db8::77", "ufrag9", "secret-user", "secret-pass", "fp:AA:BB"];
  const report = at(1, [
    { id: "T", type: "transport", selectedCandidatePairId: "P", iceLocalUsernameFragment: "ufrag9", bytesSent: 1 },
    pair("P", { localCandidateId: "L", remoteCandidateId: "R" }),
    {
      id: "L",
      type: "local-candidate",
      candidateType: "relay",
      address: "203.0.113.5",
      ip: "203.0.113.5",
      relatedAddress: "2001:db8::77",
      relatedPort: 4_321,
      usernameFragment: "ufrag9",
      port: 54_321,
      url: "turn:secret-user:secret-pass@turn.example:3478?transport=udp",
      foundation: "f",
    },
    { id: "R", type: "remote-candidate", candidateType: "host", address: "198.51.100.8", usernameFragment: "ufrag9" },
    { id: "C", type: "certificate", fingerprint: "fp:AA:BB" },
    { id: "IA", type: "inbound-rtp", kind: "audio", packetsReceived: 1, trackIdentifier: "secret-user" },
  ]);
  const posted = new ReportReader().read(reportOf(report));

  it("has no address, URL, user, credential or username fragment", () => {
    const text = JSON.stringify(posted);
    expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
    for (const name of ["address", "relatedAddress", "url", "usernameFragment", "credential", "port", "ip"]) {
      expect(text).not.toContain(`"${name}"`);
    }
  });

  it("has what they say about cost", () => {
    expect(posted.find(({ id }) => id === "L")).toMatchObject({
      addressFamily: 6,
      relayServer: "turn.example:3478",
      relayProtocol: "udp",
    });
  });

  it("can be posted", () => {
    expect(structuredClone(posted)).toEqual(posted);
  });

  it("leaves out what has another type than the specification says", () => {
    const read = new ReportReader().read(
      reportOf(at(1, [{ id: "I", type: "inbound-rtp", kind: 7, packetsReceived: "1", jitter: Number.NaN }])),
    );
    expect(read).toEqual([{ id: "I", type: "inbound-rtp", timestamp: 1_700_000_001_000 }]);
  });
});

describe("reading by id", () => {
  it("gives what walking gives, for every report of a recorded call", () => {
    const remembering = new ReportReader();
    for (const entries of recordedCall()) {
      const byId = remembering.read(reportOf(entries));
      const walked = new ReportReader().read(reportOf(entries));
      expect(byId.map(withoutAge).toSorted(byIds)).toEqual(walked.map(withoutAge).toSorted(byIds));
    }
  });

  it("reads no candidate again while it is the same", () => {
    const entries = at(1, [
      { id: "T", type: "transport", selectedCandidatePairId: "P" },
      pair("P"),
      { id: "P-local", type: "local-candidate", candidateType: "relay" },
    ]);
    const reader = new ReportReader();
    reader.read(reportOf(entries));
    const asked: string[] = [];
    const map = reportOf(entries);
    const report = { size: map.size, get: (id: string) => (asked.push(id), map.get(id)), forEach: () => undefined };
    expect(reader.read(report).map(({ id }) => id)).toEqual(["T", "P", "P-local"]);
    expect(asked).toEqual(["T", "P"]);
  });

  it("leaves out sources of sound, of which nothing is calculated", () => {
    const entries = at(1, [
      { id: "SA", type: "media-source", kind: "audio" },
      { id: "SV", type: "media-source", kind: "video" },
    ]);
    expect(new ReportReader().read(reportOf(entries)).map(({ id }) => id)).toEqual(["SV"]);
  });

  it("walks once, and then not for a while", () => {
    const entries = at(1, [{ id: "T", type: "transport", selectedCandidatePairId: "P" }, pair("P")]);
    const reader = new ReportReader();
    const walks = Array.from({ length: WALK_EVERY_TICKS + 1 }, () => {
      const report = new WatchedReport(entries);
      reader.read(report);
      return report.walks;
    });
    expect(walks).toEqual([1, ...Array.from({ length: WALK_EVERY_TICKS - 1 }, () => 0), 1]);
  });

  it.each<[string, RawEntry[]]>([
    [
      "an object is added",
      at(2, [
        { id: "T", type: "transport", selectedCandidatePairId: "P" },
        pair("P"),
        { id: "new", type: "inbound-rtp" },
        { id: "x", type: "codec" },
      ]),
    ],
    [
      "an object is replaced by another",
      at(2, [
        { id: "T", type: "transport", selectedCandidatePairId: "P" },
        pair("P"),
        { id: "new", type: "inbound-rtp" },
      ]),
    ],
    [
      "another pair is selected",
      at(2, [{ id: "T", type: "transport", selectedCandidatePairId: "Q" }, pair("P"), pair("Q")]),
    ],
  ])("sees at once that %s", (_what, next) => {
    const first = at(1, [
      { id: "T", type: "transport", selectedCandidatePairId: "P", bytesSent: 1 },
      pair("P"),
      { id: "old", type: "inbound-rtp" },
    ]);
    const reader = new ReportReader();
    reader.read(reportOf(first));
    expect(reader.read(reportOf(next)).toSorted(byIds)).toEqual(
      new ReportReader().read(reportOf(next)).toSorted(byIds),
    );
  });

  it("leaves out pairs and candidates that say nothing when the transport counts", () => {
    const entries = at(1, [
      { id: "T", type: "transport", selectedCandidatePairId: "P", bytesSent: 1 },
      pair("P"),
      pair("stale", { nominated: true, bytesSent: 100 }),
      { id: "P-local", type: "local-candidate" },
      { id: "stale-local", type: "local-candidate" },
    ]);
    expect(new ReportReader().read(reportOf(entries)).map(({ id }) => id)).toEqual(["T", "P", "P-local"]);
  });

  it("keeps every pair that carried something when only pairs count", () => {
    const entries = at(1, [
      { id: "T", type: "transport", selectedCandidatePairId: "P" },
      pair("P"),
      pair("stale", { bytesSent: 100 }),
      pair("idle", { bytesSent: 0, nominated: false }),
    ]);
    expect(new ReportReader().read(reportOf(entries)).map(({ id }) => id)).toEqual(["T", "P", "stale"]);
  });
});

function byIds(a: { readonly id: string }, b: { readonly id: string }): number {
  return a.id < b.id ? -1 : 1;
}

/** A candidate that is known is as old as the last walk; what it says is the same. */
function withoutAge(entry: AnyStatsEntry): AnyStatsEntry {
  return entry.type.endsWith("-candidate") ? { ...entry, timestamp: 0 } : entry;
}
