/** Worker: the score of one connection at one tick: that of its worst part, with the reason. */
import { audioScore } from "./audio-score.ts";
import type { ConnectionSample } from "./connection-sampler.ts";
import { FreezeWindow } from "./freeze-window.ts";
import { HeldMeasure } from "./held-measure.ts";
import type { SentVideoSource } from "./sent-media.ts";
import { bitrateScore, frameScore, freezeScore } from "./video-score.ts";

/** The part that decides a score. `none`: the score is perfect. */
export type QualityReason =
  | "none"
  | "connection_interrupted"
  | "received_audio_loss"
  | "received_audio_delay"
  | "sent_audio_loss"
  | "sent_audio_delay"
  | "received_video_freeze"
  | "received_video_frames"
  | "sent_video_frames"
  | "sent_video_bitrate";

/** A score, 0 to 100, and what it comes from. */
export interface Assessment {
  readonly score: number;
  readonly reason: QualityReason;
}

/** ICE checks are answered every few seconds at least, RTCP reports come every 5 s at most. */
const ROUND_TRIP_HOLDS_MILLIS = 15_000;
const REMOTE_REPORT_HOLDS_MILLIS = 10_000;
/** A bitrate that rises faster than this, a second, is an encoder starting. */
const RAMP_RATIO_PER_SECOND = 0.08;

/** Assesses the samples of one connection, in order. */
export class QualityAssessment {
  readonly #roundTrip = new HeldMeasure(ROUND_TRIP_HOLDS_MILLIS);
  readonly #sentLoss = new HeldMeasure(REMOTE_REPORT_HOLDS_MILLIS);
  readonly #sentJitter = new HeldMeasure(REMOTE_REPORT_HOLDS_MILLIS);
  readonly #freezes = new FreezeWindow();
  #bitrates = new Map<string, number>();

  /** The worst part of a sample; `undefined` when nothing is known of any. */
  assess(sample: ConnectionSample): Assessment | undefined {
    const parts = [...this.#audioParts(sample), ...this.#receivedVideoParts(sample), ...this.#sentVideoParts(sample)];
    if (!sample.connected) return undefined;
    if (sample.interrupted) return { score: 0, reason: "connection_interrupted" };
    let worst: Assessment | undefined;
    for (const part of parts) {
      if (worst === undefined || part.score < worst.score) worst = part;
    }
    return worst?.score === 100 ? { score: 100, reason: "none" } : worst;
  }

  #audioParts(sample: ConnectionSample): Assessment[] {
    const { atMillis, received, sent } = sample;
    // The slowest of several transports.
    const news = sample.roundTrips.map(({ seconds }) => seconds);
    const roundTripSeconds = this.#roundTrip.update(news.length === 0 ? undefined : Math.max(...news), atMillis);
    const sentLoss = this.#sentLoss.update(sent.audio.lossRatio, atMillis);
    const sentJitter = this.#sentJitter.update(sent.audio.jitterSeconds, atMillis);
    const jitters = received.audio.jitterSeconds;
    const receivedJitter = jitters.length === 0 ? undefined : Math.max(...jitters);
    return [
      ...audioPart(
        "received",
        roundTripSeconds,
        received.audio.lossRatio,
        receivedJitter,
        received.audio.bufferSeconds,
      ),
      ...audioPart("sent", roundTripSeconds, sentLoss, sentJitter, undefined),
    ];
  }

  #receivedVideoParts({ received: { video }, intervalSeconds }: ConnectionSample): Assessment[] {
    const parts: Assessment[] = [];
    const frozen = this.#freezes.update(video.freezeRatio, intervalSeconds);
    if (frozen !== undefined) parts.push({ score: freezeScore(frozen), reason: "received_video_freeze" });
    if (video.decodedRatio !== undefined) {
      parts.push({ score: frameScore(video.decodedRatio), reason: "received_video_frames" });
    }
    return parts;
  }

  #sentVideoParts({ sent, intervalSeconds }: ConnectionSample): Assessment[] {
    const last = this.#bitrates;
    this.#bitrates = new Map();
    return sent.video.flatMap((source, index) => {
      const key = source.sourceId ?? String(index);
      if (source.bitsPerSecond !== undefined) this.#bitrates.set(key, source.bitsPerSecond);
      return sentVideoParts(source, isRamping(last.get(key), source.bitsPerSecond, intervalSeconds));
    });
  }
}

/** Loss and delay are told apart by which of them costs more. */
function audioPart(
  direction: "received" | "sent",
  roundTripSeconds: number | undefined,
  lossRatio: number | undefined,
  jitterSeconds: number | undefined,
  bufferSeconds: number | undefined,
): Assessment[] {
  if (roundTripSeconds === undefined || lossRatio === undefined) return [];
  const measures = { roundTripSeconds, lossRatio, jitterSeconds, bufferSeconds };
  const score = audioScore(measures);
  const withoutLoss = audioScore({ ...measures, lossRatio: 0 });
  const withoutDelay = audioScore({ lossRatio, roundTripSeconds: 0, jitterSeconds: 0, bufferSeconds: 0 });
  if (score === undefined || withoutLoss === undefined || withoutDelay === undefined) return [];
  const lossCostsMore = withoutLoss - score > withoutDelay - score;
  return [{ score, reason: lossCostsMore ? `${direction}_audio_loss` : `${direction}_audio_delay` }];
}

/** An encoder that nothing limits does what the page asked of it, however little that is. */
function sentVideoParts(source: SentVideoSource, ramping: boolean): Assessment[] {
  const { limitation, frameRatio, bitsPerSecond, sourcePixelsPerSecond } = source;
  const parts: Assessment[] = [];
  if (frameRatio !== undefined && limitation !== "none") {
    parts.push({ score: frameScore(frameRatio), reason: "sent_video_frames" });
  }
  if (limitation === "none" && bitsPerSecond !== undefined && bitsPerSecond > 0) {
    parts.push({ score: 100, reason: "none" });
  }
  const limited = limitation === "bandwidth" && !ramping;
  if (limited && bitsPerSecond !== undefined && sourcePixelsPerSecond !== undefined) {
    parts.push({ score: bitrateScore(bitsPerSecond, sourcePixelsPerSecond), reason: "sent_video_bitrate" });
  }
  return parts;
}

function isRamping(last: number | undefined, now: number | undefined, seconds: number | undefined): boolean {
  if (last === undefined || now === undefined || seconds === undefined) return true;
  return now > last * (1 + RAMP_RATIO_PER_SECOND * seconds);
}
