/** Worker: what was sent between two reports, and what the peer says of it. */
import type { EntryHistory } from "./entry-history.ts";
import { sentLossRatio } from "./packet-loss.ts";
import { MIN_FRAMES } from "./received-media.ts";
import type { RemoteNews } from "./remote-reports.ts";
import type { Snapshot } from "./snapshot.ts";
import type { StatsEntry } from "./stats-entry.ts";
import { sumKnown } from "./sum-known.ts";

type OutboundStream = StatsEntry<"outbound-rtp">;

/** What holds the encoder back (`qualityLimitationReason`). */
export type QualityLimitation = "none" | "cpu" | "bandwidth" | "other";

/** Sent audio, from the peer's reports; `undefined` when none came. */
export interface SentAudio {
  readonly lossRatio: number | undefined;
  readonly jitterSeconds: number | undefined;
}

/** The video of one source (camera, screen), over all its simulcast layers. */
export interface SentVideoSource {
  readonly sourceId: string | undefined;
  readonly limitation: QualityLimitation | undefined;
  /** Frames encoded of those the source gave; `undefined` when it gave hardly any. */
  readonly frameRatio: number | undefined;
  readonly bitsPerSecond: number | undefined;
  /** Pixels a second that the source gives. */
  readonly sourcePixelsPerSecond: number | undefined;
}

/** Everything sent. Counts are increases since the last report. */
export interface SentMedia {
  readonly packets: number | undefined;
  readonly packetsLost: number | undefined;
  readonly frames: number | undefined;
  readonly lossRatio: number | undefined;
  readonly audio: SentAudio;
  readonly video: readonly SentVideoSource[];
}

/** Reads the sent streams. `news`: of the peer, since the last report. */
export function sampleSent(
  snapshot: Snapshot,
  history: EntryHistory,
  news: readonly RemoteNews[],
  intervalSeconds: number | undefined,
): SentMedia {
  const streams = snapshot.ofType("outbound-rtp");
  const video = streams.filter(({ kind }) => kind === "video");
  const audioNews = news.filter(({ kind }) => kind === "audio");
  const jitters = audioNews.flatMap(({ jitterSeconds }) => jitterSeconds ?? []);
  return {
    packets: sumKnown(streams.map((stream) => history.increase(stream, "packetsSent"))),
    packetsLost: sumKnown(news.map(({ packetsLost }) => packetsLost)),
    frames: sumKnown(video.map((stream) => framesOf(stream, history))),
    lossRatio: sentLossRatio(news.flatMap(({ counts }) => counts ?? [])),
    audio: {
      lossRatio: sentLossRatio(audioNews.flatMap(({ counts }) => counts ?? [])),
      jitterSeconds: jitters.length === 0 ? undefined : Math.max(...jitters),
    },
    video: bySource(video).map((layers) => sentSource(layers, snapshot, history, intervalSeconds)),
  };
}

function framesOf(stream: OutboundStream, history: EntryHistory): number | undefined {
  return history.increase(stream, "framesSent") ?? history.increase(stream, "framesEncoded");
}

/** Streams that send the same source; one that names none stands alone. */
function bySource(streams: readonly OutboundStream[]): OutboundStream[][] {
  const sources = new Map<string, OutboundStream[]>();
  for (const stream of streams) {
    const key = stream.mediaSourceId ?? stream.id;
    const layers = sources.get(key);
    if (layers === undefined) sources.set(key, [stream]);
    else layers.push(stream);
  }
  return [...sources.values()];
}

function sentSource(
  streams: readonly OutboundStream[],
  snapshot: Snapshot,
  history: EntryHistory,
  intervalSeconds: number | undefined,
): SentVideoSource {
  // Paused and removed streams stay in the report and stand still.
  const live = streams.filter(
    (stream) => stream.active !== false && (history.increase(stream, "packetsSent") ?? 0) > 0,
  );
  const source = snapshot.find("media-source", streams[0]?.mediaSourceId);
  const given = source && history.increase(source, "frames");
  const encoded = Math.max(0, ...live.map((stream) => history.increase(stream, "framesEncoded") ?? 0));
  const bytes = sumKnown(live.map((stream) => history.increase(stream, "bytesSent")));
  return {
    sourceId: source?.id,
    limitation: worstLimitation(live),
    frameRatio:
      live.length === 0 || given === undefined || given < MIN_FRAMES ? undefined : Math.min(1, encoded / given),
    bitsPerSecond: bytes === undefined || intervalSeconds === undefined ? undefined : (bytes * 8) / intervalSeconds,
    sourcePixelsPerSecond: source && pixelsPerSecond(source, given, intervalSeconds),
  };
}

const WORST_FIRST: readonly QualityLimitation[] = ["bandwidth", "cpu", "other", "none"];

function worstLimitation(streams: readonly OutboundStream[]): QualityLimitation | undefined {
  const reasons = new Set(streams.map(({ qualityLimitationReason }) => qualityLimitationReason));
  return WORST_FIRST.find((reason) => reasons.has(reason));
}

function pixelsPerSecond(
  { width, height, framesPerSecond }: StatsEntry<"media-source">,
  given: number | undefined,
  intervalSeconds: number | undefined,
): number | undefined {
  const rate = given !== undefined && intervalSeconds !== undefined ? given / intervalSeconds : framesPerSecond;
  return width === undefined || height === undefined || rate === undefined ? undefined : width * height * rate;
}
