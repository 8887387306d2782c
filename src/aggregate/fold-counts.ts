/**
 * Fold, inside: what became of the points of a minute of receive time, for `receiver_minute` and our own metrics.
 */
import { isRefusedForTime } from "../model/admission.ts";
import type { ReceiverCounts, ReceiverIncrement } from "../model/rollup-store.ts";

/** Counts that grow. */
export type MutableReceiverCounts = { -readonly [name in keyof ReceiverCounts]: number };

/** Counts of nothing yet. */
export function noReceiverCounts(): MutableReceiverCounts {
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
    pointsRefusedTime: 0,
    pointsRefusedValue: 0,
    pointsLimited: 0,
    lagMillis: 0,
    commits: 0,
    commitMicros: 0,
    logCalls: 0,
    logMicros: 0,
    realtimeUpdates: 0,
    realtimeMicros: 0,
  };
}

/** Adds counts to others. */
export function addReceiverCounts(sum: MutableReceiverCounts, counts: Partial<ReceiverCounts>): void {
  for (const [name, count] of Object.entries(counts)) sum[name as keyof ReceiverCounts] += count;
}

/** Counts a point that was refused for this reason. */
export function countRefused(counts: MutableReceiverCounts, refusal: string): void {
  counts.pointsRefused++;
  if (isRefusedForTime(refusal)) counts.pointsRefusedTime++;
  else counts.pointsRefusedValue++;
}

/** How much was not counted that may be when it comes again: what is refused for its value is refused for ever. */
export function countLeftOut({ pointsRefusedTime, quarantined }: MutableReceiverCounts): number {
  return pointsRefusedTime + quarantined;
}

/** Counts by minute of the receive time, until a commit takes them. */
export class FoldCounts {
  #byMinute = new Map<number, MutableReceiverCounts>();

  /** The counts of the minute of a receive time. */
  at(receivedAtMillis: number): MutableReceiverCounts {
    const minute = Math.floor(receivedAtMillis / 60_000) * 60;
    let counts = this.#byMinute.get(minute);
    if (!counts) {
      counts = noReceiverCounts();
      this.#byMinute.set(minute, counts);
    }
    return counts;
  }

  /** Takes what was counted, oldest minute first. */
  take(): ReceiverIncrement[] {
    // Of an entry that was looked at and could not be folded yet there is nothing to tell.
    const taken = [...this.#byMinute]
      .filter(([, counts]) => Object.values(counts).some((count) => count !== 0))
      .sort(([a], [b]) => a - b)
      .map(([bucketStart, counts]) => ({ bucketStart, counts }));
    this.#byMinute = new Map();
    return taken;
  }
}
