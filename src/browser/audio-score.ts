/**
 * Worker: the quality of audio as the R of the E-model (ITU-T G.107), simplified to what a page can measure: delay and loss.
 */

/** What the score of audio in one direction is made of. */
export interface AudioMeasures {
  /** 0 to 1. */
  readonly lossRatio: number;
  readonly roundTripSeconds: number;
  /** Mean time in the receiver's jitter buffer; where unknown, twice the jitter stands for it. */
  readonly bufferSeconds: number | undefined;
  readonly jitterSeconds: number | undefined;
}

/** Time to take, code, decode and play a frame, milliseconds. */
const PROCESSING_MILLIS = 20;
/** Above this one-way delay, milliseconds, people begin to talk over each other. */
const TOLERATED_MILLIS = 177.3;
/** Impairment of Opus without loss, and its robustness against random loss. */
const CODEC_IMPAIRMENT = 6.9;
const MOST_LOSS_IMPAIRMENT = 82.3;
const LOSS_ROBUSTNESS_PERCENT = 9.6;

/** R, 0 to 100. `undefined` when neither buffer nor jitter is known: a delay without them would flatter. */
export function audioScore(measures: AudioMeasures): number | undefined {
  const buffer =
    measures.bufferSeconds ?? (measures.jitterSeconds === undefined ? undefined : measures.jitterSeconds * 2);
  if (buffer === undefined) return undefined;
  const delay = (measures.roundTripSeconds / 2 + buffer) * 1_000 + PROCESSING_MILLIS;
  const delayImpairment = 0.024 * delay + 0.11 * Math.max(0, delay - TOLERATED_MILLIS);
  const lossPercent = measures.lossRatio * 100;
  const lossImpairment =
    CODEC_IMPAIRMENT + (MOST_LOSS_IMPAIRMENT * lossPercent) / (lossPercent + LOSS_ROBUSTNESS_PERCENT);
  return Math.min(100, Math.max(0, 100 - delayImpairment - lossImpairment));
}
