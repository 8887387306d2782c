/**
 * Worker: the calculation of one connection. Report by report, what happened since the one before: pure but for what it
 * remembers of earlier reports, the same for the same reports.
 */
import { EntryHistory } from "./entry-history.ts";
import { type ReceivedMedia, sampleReceived } from "./received-media.ts";
import { type RemoteNews, RemoteReports } from "./remote-reports.ts";
import { sampleSent, type SentMedia } from "./sent-media.ts";
import { makeSnapshot, type Snapshot } from "./snapshot.ts";
import type { PostedReport } from "./stats-entry.ts";
import { sampleTransports, type TransportSample } from "./transport-traffic.ts";

/** A round-trip time and where it was measured: by ICE checks to the ICE peer, or by RTCP. The two are never mixed. */
export interface RoundTrip {
  readonly seconds: number;
  readonly source: "ice" | "rtcp";
}

/** One connection between two reports. What is `undefined` is not known. */
export interface ConnectionSample {
  readonly atMillis: number;
  /** Time between the reports, seconds; `undefined` for the first, and when the reports' clock jumped. */
  readonly intervalSeconds: number | undefined;
  /** Whether a pair is in use and the connection has not failed. */
  readonly connected: boolean;
  /** Connected, but the browser has stopped hearing of the peer. */
  readonly interrupted: boolean;
  readonly transports: readonly TransportSample[];
  /** New round-trip times, one a transport, or one of RTCP where no pair measures, or none has for a while. */
  readonly roundTrips: readonly RoundTrip[];
  readonly received: ReceivedMedia;
  readonly sent: SentMedia;
}

/**
 * Without an answered check for so long, RTCP tells the round trip: Firefox counts on a pair the checks that found it, but not
 * those that keep it alive. Others check every 2.5 s.
 */
const CHECKS_SILENT_MILLIS = 6_000;

/** The sampler of one connection. */
export class ConnectionSampler {
  readonly #history = new EntryHistory();
  readonly #remoteReports = new RemoteReports();
  #lastCheckMillis: number | undefined;
  #last: { readonly atMillis: number; readonly reportMillis: number } | undefined;

  /** What happened since the last report. Reports come in order. */
  sample(report: PostedReport): ConnectionSample {
    const snapshot = makeSnapshot(report);
    this.#history.read(snapshot);
    const intervalSeconds = this.#interval(snapshot);
    const transports = sampleTransports(snapshot, this.#history);
    const news = this.#remoteReports.read(snapshot, this.#history);
    const sample: ConnectionSample = {
      atMillis: snapshot.atMillis,
      intervalSeconds,
      ...connectionState(snapshot, transports),
      transports,
      roundTrips: this.#roundTrips(snapshot.atMillis, transports, news),
      received: sampleReceived(snapshot, this.#history, intervalSeconds),
      sent: sampleSent(snapshot, this.#history, news, intervalSeconds),
    };
    this.#history.remember();
    return sample;
  }

  #roundTrips(atMillis: number, transports: readonly TransportSample[], news: readonly RemoteNews[]): RoundTrip[] {
    const checked = transports.flatMap(({ roundTripSeconds }) => roundTripSeconds ?? []);
    if (checked.length > 0 || this.#lastCheckMillis === undefined) this.#lastCheckMillis = atMillis;
    if (checked.length > 0) return checked.map((seconds) => ({ seconds, source: "ice" }));
    const isSilent = atMillis - this.#lastCheckMillis >= CHECKS_SILENT_MILLIS;
    const measures = transports.some(({ measuresRoundTrip }) => measuresRoundTrip);
    return measures && !isSilent ? [] : rtcpRoundTrip(news);
  }

  /**
   * By the reports' own clock, which is when the counters were read. It may be set, and stands in a suspended machine: where
   * it differs from ours by more than half, no rate can be told.
   */
  #interval(snapshot: Snapshot): number | undefined {
    const reportMillis = localTimestamp(snapshot);
    const last = this.#last;
    if (reportMillis === undefined) return undefined;
    this.#last = { atMillis: snapshot.atMillis, reportMillis };
    if (last === undefined) return undefined;
    const byReport = reportMillis - last.reportMillis;
    const byUs = snapshot.atMillis - last.atMillis;
    const believable = byReport > 0 && byReport > byUs / 2 && byReport < byUs * 2;
    return believable ? byReport / 1_000 : undefined;
  }
}

/** Of an object of our side: those of the peer bear the time its report came. */
function localTimestamp(snapshot: Snapshot): number | undefined {
  let newest: number | undefined;
  for (const { type, timestamp } of snapshot.entries) {
    if (type !== "remote-inbound-rtp") newest = Math.max(newest ?? timestamp, timestamp);
  }
  return newest;
}

const GONE = new Set(["failed", "closed"]);

function connectionState(
  snapshot: Snapshot,
  transports: readonly TransportSample[],
): { connected: boolean; interrupted: boolean } {
  const inUse = transports.some(({ pairId }) => pairId !== undefined);
  const states = snapshot.ofType("transport").map(({ iceState }) => iceState);
  const failed = states.length > 0 && states.every((state) => state !== undefined && GONE.has(state));
  const connected = inUse && !failed && !GONE.has(snapshot.connectionState ?? "");
  const interrupted = snapshot.connectionState === "disconnected" || states.includes("disconnected");
  return { connected, interrupted: connected && interrupted };
}

function rtcpRoundTrip(news: readonly RemoteNews[]): RoundTrip[] {
  let seconds = 0;
  let measurements = 0;
  for (const { roundTrip } of news) {
    seconds += roundTrip?.seconds ?? 0;
    measurements += roundTrip?.measurements ?? 0;
  }
  return measurements === 0 ? [] : [{ seconds: seconds / measurements, source: "rtcp" }];
}
