/**
 * Fold, inside: what became of the points of a minute of receive time, for `receiver_minute` and our own metrics.
 */
import type { ReceiverCounts, ReceiverIncrement } from "../model/rollup-store.ts";

/** Counts that grow. */
export type MutableReceiverCounts = { -readonly [name in keyof ReceiverCounts]: number };

function zero(): MutableReceiverCounts {
  return {
    entries: 0,
    points: 0,
    pointsRefused: 0,
    pointsIgnored: 0,
    pointsDuplicate: 0,
    pointsBaseline: 0,
    pointsFaulty: 0,
    quarantined: 0,
    pointsOverflow: 0,
  };
}

/** Counts by minute of the receive time, until a commit takes them. */
export class FoldCounts {
  #byMinute = new Map<number, MutableReceiverCounts>();

  /** The counts of the minute of a receive time. */
  at(receivedAtMillis: number): MutableReceiverCounts {
    const minute = Math.floor(receivedAtMillis / 60_000) * 60;
    let counts = this.#byMinute.get(minute);
    if (!counts) {
      counts = zero();
      this.#byMinute.set(minute, counts);
    }
    return counts;
  }

  /** Takes what was counted, oldest minute first. */
  take(): ReceiverIncrement[] {
    const taken = [...this.#byMinute]
      .sort(([a], [b]) => a - b)
      .map(([bucketStart, counts]) => ({ bucketStart, counts }));
    this.#byMinute = new Map();
    return taken;
  }
}
