/**
 * Worker: what the peer reports by RTCP about the streams we send. Its reports come every second or every few, so they are
 * compared with what had been sent when the one before came, and each is used once.
 */
import type { EntryHistory } from "./entry-history.ts";
import type { PacketCounts } from "./packet-loss.ts";
import type { Snapshot } from "./snapshot.ts";
import type { StatsEntry } from "./stats-entry.ts";

type RemoteReport = StatsEntry<"remote-inbound-rtp">;

/** News of the peer about one stream of ours. */
export interface RemoteNews {
  readonly kind: string | undefined;
  readonly counts: PacketCounts | undefined;
  /** Newly lost packets, never negative, for a counter. */
  readonly packetsLost: number | undefined;
  readonly jitterSeconds: number | undefined;
  /** Sum and number of new RTCP round trips. */
  readonly roundTrip: { readonly seconds: number; readonly measurements: number } | undefined;
}

/** Streams whose last report is remembered; the least recent go first. */
const MAX_STREAMS = 1_000;

/** Follows the peer's reports of one connection. */
export class RemoteReports {
  /** Packets sent when the last report came, by its id. */
  readonly #sentAtReport = new Map<string, number>();

  /** The news since the last call, a stream each. */
  read(snapshot: Snapshot, history: EntryHistory): RemoteNews[] {
    const outbound = snapshot.ofType("outbound-rtp");
    const byRemoteId = new Map(outbound.map((stream) => [stream.remoteId, stream]));
    const news: RemoteNews[] = [];
    for (const report of snapshot.ofType("remote-inbound-rtp")) {
      const before = history.before(report);
      if (before !== undefined && before.timestamp === report.timestamp) continue;
      const stream = snapshot.find("outbound-rtp", report.localId) ?? byRemoteId.get(report.id);
      const sentBefore = isFirst(report, stream, history) ? 0 : before && this.#sentAtReport.get(report.id);
      this.#note(report.id, stream?.packetsSent);
      if (before === undefined && sentBefore === undefined) continue;
      const packets = rise(sentBefore, stream?.packetsSent);
      const lost = history.lost(report);
      news.push({
        kind: stream?.kind,
        counts: packets === undefined || lost === undefined ? undefined : { packets, lost: lost.change },
        packetsLost: lost?.counted,
        jitterSeconds: report.jitter,
        roundTrip: roundTripOf(report, history),
      });
    }
    return news;
  }

  #note(id: string, packetsSent: number | undefined): void {
    this.#sentAtReport.delete(id);
    if (packetsSent !== undefined) this.#sentAtReport.set(id, packetsSent);
    for (const oldest of this.#sentAtReport.keys()) {
      if (this.#sentAtReport.size <= MAX_STREAMS) break;
      this.#sentAtReport.delete(oldest);
    }
  }
}

/**
 * The first report on a stream tells of everything since the stream began: nothing of it was told before. One that has lost more
 * than was ever sent is of a stream that began before this one, whatever it is called.
 */
function isFirst(report: RemoteReport, stream: StatsEntry<"outbound-rtp"> | undefined, history: EntryHistory): boolean {
  const isUnseen = history.before(report) === undefined && history.knowsSinceBirth(report);
  if (!isUnseen || stream === undefined || !history.knowsSinceBirth(stream)) return false;
  return (report.packetsLost ?? 0) <= (stream.packetsSent ?? Number.POSITIVE_INFINITY);
}

function rise(before: number | undefined, now: number | undefined): number | undefined {
  return before === undefined || now === undefined || now < before ? undefined : now - before;
}

/** The difference of the totals where they are told, else the last single measurement (Safari 17, old Firefox). */
function roundTripOf(report: RemoteReport, history: EntryHistory): RemoteNews["roundTrip"] {
  if (report.totalRoundTripTime === undefined || report.roundTripTimeMeasurements === undefined) {
    return report.roundTripTime === undefined ? undefined : { seconds: report.roundTripTime, measurements: 1 };
  }
  const seconds = history.increase(report, "totalRoundTripTime");
  const measurements = history.increase(report, "roundTripTimeMeasurements");
  return seconds === undefined || measurements === undefined || measurements === 0
    ? undefined
    : { seconds, measurements };
}
