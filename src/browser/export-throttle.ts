/**
 * Worker: when to export. At most once in an interval; at once when something happened that people act on, as long as
 * there are tokens: a connection that flaps would otherwise export at every tick.
 */

/** Extra exports in any {@link EXTRA_WINDOW_MILLIS}. */
export const EXTRA_EXPORTS = 2;
/** A token that was spent comes back after this time. */
export const EXTRA_WINDOW_MILLIS = 60_000;

/** Decides on exports. Times are milliseconds of a clock that never goes back. */
export class ExportThrottle {
  #intervalMillis: number;
  #lastMillis: number;
  #urgent = false;
  /** When each of the extra exports of the last window was made. */
  #extras: number[] = [];

  /**
   * @param intervalMillis the time between exports; 0 exports at every call
   * @param nowMillis the first export comes an interval after it, or when something urgent happens
   */
  constructor(intervalMillis: number, nowMillis: number) {
    this.#intervalMillis = intervalMillis;
    this.#lastMillis = nowMillis;
  }

  /** Another interval from now on; what was exported and spent before counts as before. */
  setInterval(intervalMillis: number): void {
    this.#intervalMillis = intervalMillis;
  }

  /** Something happened that should be known at once. It stays urgent until an export is made. */
  markUrgent(): void {
    this.#urgent = true;
  }

  /** Whether to export now; the answer `true` counts as an export made. */
  shouldExport(nowMillis: number): boolean {
    if (nowMillis - this.#lastMillis >= this.#intervalMillis) {
      this.#made(nowMillis);
      return true;
    }
    this.#extras = this.#extras.filter((at) => nowMillis - at < EXTRA_WINDOW_MILLIS);
    if (!this.#urgent || this.#extras.length >= EXTRA_EXPORTS) return false;
    this.#extras.push(nowMillis);
    this.#made(nowMillis);
    return true;
  }

  #made(nowMillis: number): void {
    this.#lastMillis = nowMillis;
    this.#urgent = false;
  }
}
