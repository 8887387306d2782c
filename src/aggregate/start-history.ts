/**
 * Fold, inside: what is known of a parent (resource, scope, metric), to tell a new attribute set of a process that is
 * being followed, whose whole value counts, from a process that was there before us, whose value is a baseline.
 */
import { comparePairs } from "../model/uint64.ts";

/** The earliest point seen of one start time. */
export interface SeenStart {
  readonly startHigh: number;
  readonly startLow: number;
  timeHigh: number;
  timeLow: number;
}

/** Start times remembered of one parent. */
export const MAX_STARTS_PER_PARENT = 32;

/** The start times seen of a parent, with their earliest point times. */
export class StartHistory {
  readonly seen: SeenStart[] = [];

  /**
   * Whether a stream that is seen for the first time counts in full: its parent had a point of the same start at an
   * earlier time, or any point at or before its start.
   */
  follows(startHigh: number, startLow: number, timeHigh: number, timeLow: number): boolean {
    for (const { startHigh: high, startLow: low, timeHigh: seenHigh, timeLow: seenLow } of this.seen) {
      const sameStart = high === startHigh && low === startLow;
      if (sameStart && comparePairs(seenHigh, seenLow, timeHigh, timeLow) < 0) return true;
      if (comparePairs(seenHigh, seenLow, startHigh, startLow) <= 0) return true;
    }
    return false;
  }

  /** Remembers a point. */
  note(startHigh: number, startLow: number, timeHigh: number, timeLow: number): void {
    for (const start of this.seen) {
      if (start.startLow !== startLow || start.startHigh !== startHigh) continue;
      if (comparePairs(timeHigh, timeLow, start.timeHigh, start.timeLow) < 0) {
        start.timeHigh = timeHigh;
        start.timeLow = timeLow;
      }
      return;
    }
    this.seen.push({ startHigh, startLow, timeHigh, timeLow });
    if (this.seen.length > MAX_STARTS_PER_PARENT) this.#forget();
  }

  /** Forgets a start whose points say least: any but the one with the earliest point. */
  #forget(): void {
    let earliest = 0;
    this.seen.forEach((start, place) => {
      const other = this.seen[earliest]!;
      if (comparePairs(start.timeHigh, start.timeLow, other.timeHigh, other.timeLow) < 0) earliest = place;
    });
    this.seen.splice(earliest === 0 ? 1 : 0, 1);
  }
}
