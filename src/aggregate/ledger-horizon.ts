/**
 * Fold, inside: up to when a shard's ledger may be forgotten. A wall clock that jumps ahead must not forget what a sender may repeat once it
 * is right again, so the horizon follows the wall clock no faster than a few times the time that really passes.
 */

/** After a pause of the receiver the horizon lags behind the clock; this many times faster than time it catches up. */
const MAX_SPEED = 4;
/** Kept beyond twice the age, so that a late start of the fold still finds what it needs. */
const MARGIN_MILLIS = 3_600_000;

/** The horizon of one owner's ledger. */
export class LedgerHorizon {
  readonly #deltaMaxAgeMillis: number;
  #seconds: number;
  #atMonotonicMillis: number;

  /**
   * `oldestReceivedAt`: receive time of the oldest row there is, epoch seconds; `undefined` when there is none. The other times are
   * those of the take-over.
   */
  constructor(
    deltaMaxAgeMillis: number,
    oldestReceivedAt: number | undefined,
    nowMillis: number,
    monotonicMillis: number,
  ) {
    this.#deltaMaxAgeMillis = deltaMaxAgeMillis;
    this.#seconds = Math.min(oldestReceivedAt ?? Number.POSITIVE_INFINITY, this.#byWallClock(nowMillis));
    this.#atMonotonicMillis = monotonicMillis;
  }

  /** Rows received before this time, epoch seconds, may go. */
  advance(nowMillis: number, monotonicMillis: number): number {
    const passedSeconds = (monotonicMillis - this.#atMonotonicMillis) / 1000;
    this.#atMonotonicMillis = monotonicMillis;
    this.#seconds = Math.min(this.#byWallClock(nowMillis), this.#seconds + MAX_SPEED * passedSeconds);
    return Math.floor(this.#seconds);
  }

  #byWallClock(nowMillis: number): number {
    return Math.max(0, (nowMillis - 2 * this.#deltaMaxAgeMillis - MARGIN_MILLIS) / 1000);
  }
}
