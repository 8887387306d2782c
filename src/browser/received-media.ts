/** Worker: what was received between two reports, audio and video apart. */
import type { EntryHistory } from "./entry-history.ts";
import { type PacketCounts, receivedLossRatio } from "./packet-loss.ts";
import type { Snapshot } from "./snapshot.ts";
import type { StatsEntry } from "./stats-entry.ts";
import { sumKnown } from "./sum-known.ts";

type InboundStream = StatsEntry<"inbound-rtp">;

/** Received audio. `undefined`: not known, or nothing came. */
export interface ReceivedAudio {
  readonly lossRatio: number | undefined;
  /** RTP jitter of each stream that received something, seconds. */
  readonly jitterSeconds: readonly number[];
  /** Mean time that a sample waited in the jitter buffer, seconds. */
  readonly bufferSeconds: number | undefined;
}

/** Received video. */
export interface ReceivedVideo {
  readonly lossRatio: number | undefined;
  /** Time frozen / time, of the stream whose freezes that ended in this interval were longest; may exceed 1. */
  readonly freezeRatio: number | undefined;
  /** Decoded / received frames of all streams. */
  readonly decodedRatio: number | undefined;
}

/** Everything received. Counts are increases since the last report. */
export interface ReceivedMedia {
  readonly packets: number | undefined;
  readonly packetsLost: number | undefined;
  readonly frames: number | undefined;
  readonly framesDropped: number | undefined;
  readonly freezeSeconds: number | undefined;
  readonly audio: ReceivedAudio;
  readonly video: ReceivedVideo;
}

/**
 * Reads the received streams.
 * @param intervalSeconds time between the two reports; `undefined` when their clock cannot be believed
 */
export function sampleReceived(
  snapshot: Snapshot,
  history: EntryHistory,
  intervalSeconds: number | undefined,
): ReceivedMedia {
  const streams = snapshot.ofType("inbound-rtp");
  const audio = streams.filter(({ kind }) => kind === "audio");
  const video = streams.filter(({ kind }) => kind === "video");
  const rise = (stream: InboundStream, counter: Parameters<typeof history.increase<"inbound-rtp">>[1]) =>
    history.increase(stream, counter);
  return {
    packets: sumKnown(streams.map((stream) => rise(stream, "packetsReceived"))),
    packetsLost: sumKnown(streams.map((stream) => history.lost(stream)?.counted)),
    frames: sumKnown(video.map((stream) => rise(stream, "framesReceived") ?? rise(stream, "framesDecoded"))),
    framesDropped: sumKnown(video.map((stream) => rise(stream, "framesDropped"))),
    freezeSeconds: sumKnown(video.map((stream) => rise(stream, "totalFreezesDuration"))),
    audio: receivedAudio(audio, history),
    video: receivedVideo(video, history, intervalSeconds),
  };
}

function lossOf(streams: readonly InboundStream[], history: EntryHistory): number | undefined {
  const counts: PacketCounts[] = [];
  for (const stream of streams) {
    const packets = history.increase(stream, "packetsReceived");
    const lost = history.lost(stream)?.change;
    if (packets !== undefined && lost !== undefined) counts.push({ packets, lost });
  }
  return receivedLossRatio(counts);
}

function receivedAudio(streams: readonly InboundStream[], history: EntryHistory): ReceivedAudio {
  const live = streams.filter((stream) => (history.increase(stream, "packetsReceived") ?? 0) > 0);
  const delay = sumKnown(live.map((stream) => history.increase(stream, "jitterBufferDelay")));
  const emitted = sumKnown(live.map((stream) => history.increase(stream, "jitterBufferEmittedCount")));
  return {
    lossRatio: lossOf(streams, history),
    jitterSeconds: live.flatMap(({ jitter }) => (jitter === undefined ? [] : [jitter])),
    bufferSeconds: delay === undefined || emitted === undefined || emitted === 0 ? undefined : delay / emitted,
  };
}

function receivedVideo(
  streams: readonly InboundStream[],
  history: EntryHistory,
  intervalSeconds: number | undefined,
): ReceivedVideo {
  const live = streams.filter((stream) => (history.increase(stream, "packetsReceived") ?? 0) > 0);
  const freezes = live.flatMap((stream) => history.increase(stream, "totalFreezesDuration") ?? []);
  const received = sumKnown(live.map((stream) => history.increase(stream, "framesReceived")));
  const decoded = sumKnown(live.map((stream) => history.increase(stream, "framesDecoded")));
  return {
    lossRatio: lossOf(streams, history),
    freezeRatio:
      freezes.length === 0 || intervalSeconds === undefined ? undefined : Math.max(...freezes) / intervalSeconds,
    // A handful of frames says nothing: one that is still being decoded would be a fault.
    decodedRatio:
      received === undefined || decoded === undefined || received < MIN_FRAMES
        ? undefined
        : Math.min(1, decoded / received),
  };
}

/** Fewer frames in an interval are no measure of a rate: shared screens stand still. */
export const MIN_FRAMES = 5;
