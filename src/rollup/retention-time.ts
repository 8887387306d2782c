/**
 * The time that retention goes by. A receiver that starts with its clock ahead must not delete what is still to be kept, so this time
 * goes on from where the totals were maintained last, hardly faster than time really passes, and never beyond the clock.
 */

/** After a pause it lags behind the clock; by a quarter of the time that passes it catches up. Until then old rows stay longer. */
const MAX_SPEED = 1.25;
/** The totals are younger than this: who noted an earlier time had a clock that was never set, and what it noted tells nothing. */
const EARLIEST_SECONDS = Date.UTC(2026, 0, 1) / 1000;

/** The time of retention in one process. */
export class RetentionTime {
  #seconds: number;
  #atMonotonicMillis: number;

  /** `maintainedAt`: what `RollupStore.maintainedAt` says at the start, before anything is committed by this process. */
  constructor(maintainedAt: number, monotonicMillis: number) {
    this.#seconds = maintainedAt;
    this.#atMonotonicMillis = monotonicMillis;
  }

  /** The time of retention now, epoch seconds. */
  advance(nowMillis: number, monotonicMillis: number): number {
    const wallSeconds = nowMillis / 1000;
    const passedSeconds = (monotonicMillis - this.#atMonotonicMillis) / 1000;
    const limit = this.#seconds < EARLIEST_SECONDS ? wallSeconds : this.#seconds + MAX_SPEED * passedSeconds;
    this.#atMonotonicMillis = monotonicMillis;
    // A clock that is behind for a while takes back nothing: it would be days until this time is right again.
    this.#seconds = Math.max(this.#seconds, Math.min(wallSeconds, limit));
    return Math.floor(Math.min(wallSeconds, this.#seconds));
  }
}
