/**
 * Fold, inside: what is known of a parent (resource, scope, metric), to tell a new attribute set of a process that is
 * being followed, whose whole value counts, from a process that was there before us, whose value is a baseline.
 */
import { comparePairs } from "../model/uint64.ts";
import type { ScopeSize } from "./state-size.ts";

/** The earliest point seen of one start time. */
export interface SeenStart {
  readonly startHigh: number;
  readonly startLow: number;
  timeHigh: number;
  timeLow: number;
}

/** Start times that are remembered of one parent however little room there is, and at most. */
const KEPT_STARTS_PER_PARENT = 32;
const MAX_STARTS_PER_PARENT = 1024;

/** Start of what counts in full, nanoseconds, halves. */
interface Birth {
  readonly birthHigh: number;
  readonly birthLow: number;
}

/** When a point was, and the start of what it counts: nanoseconds, halves. */
type PointTimes = Readonly<SeenStart>;

/** The start times before birth that were seen of a parent, with their earliest point times: what starts later counts in full anyway. */
export class StartHistory {
  readonly seen: SeenStart[] = [];
  readonly #size: ScopeSize;

  /** `size` counts the starts in. */
  constructor(size: ScopeSize) {
    this.#size = size;
  }

  /**
   * Whether a stream that started before birth and is seen for the first time counts in full: its parent had a point of the same start
   * at an earlier time, or any point at or before its start.
   */
  follows({ startHigh, startLow, timeHigh, timeLow }: PointTimes): boolean {
    for (const { startHigh: high, startLow: low, timeHigh: seenHigh, timeLow: seenLow } of this.seen) {
      const sameStart = high === startHigh && low === startLow;
      if (sameStart && comparePairs(seenHigh, seenLow, timeHigh, timeLow) < 0) return true;
      if (comparePairs(seenHigh, seenLow, startHigh, startLow) <= 0) return true;
    }
    return false;
  }

  /** Remembers a point, if it started before birth. */
  note({ startHigh, startLow, timeHigh, timeLow }: PointTimes, { birthHigh, birthLow }: Birth): void {
    if (comparePairs(startHigh, startLow, birthHigh, birthLow) >= 0) return;
    for (const start of this.seen) {
      if (start.startLow !== startLow || start.startHigh !== startHigh) continue;
      if (comparePairs(timeHigh, timeLow, start.timeHigh, start.timeLow) < 0) {
        start.timeHigh = timeHigh;
        start.timeLow = timeLow;
      }
      return;
    }
    this.restore({ startHigh, startLow, timeHigh, timeLow });
    const most = this.#size.isFull ? KEPT_STARTS_PER_PARENT : MAX_STARTS_PER_PARENT;
    if (this.seen.length > most) this.#forget();
  }

  /** Puts in a start that is not there yet. */
  restore(start: SeenStart): void {
    this.seen.push(start);
    this.#size.addSeenStarts(1);
  }

  /** Forgets a start whose points say least: any but the one with the earliest point. */
  #forget(): void {
    let earliest = 0;
    this.seen.forEach((start, place) => {
      const other = this.seen[earliest]!;
      if (comparePairs(start.timeHigh, start.timeLow, other.timeHigh, other.timeLow) < 0) earliest = place;
    });
    this.seen.splice(earliest === 0 ? 1 : 0, 1);
    this.#size.addSeenStarts(-1);
  }
}
