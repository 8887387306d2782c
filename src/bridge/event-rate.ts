/** Bridge: how many events came in the last minute. */

const MINUTE_MILLIS = 60_000;

/** Lets so many through in any minute. */
export class EventRate {
  readonly #maxPerMinute: number;
  /** Times of the events of the last minute, oldest first. */
  #times: number[] = [];

  constructor(maxPerMinute: number) {
    this.#maxPerMinute = maxPerMinute;
  }

  /** Whether one more may come now; then it is counted. `nowMillis` never goes back. */
  take(nowMillis: number): boolean {
    const oldest = nowMillis - MINUTE_MILLIS;
    if ((this.#times[0] ?? nowMillis) <= oldest) this.#times = this.#times.filter((time) => time > oldest);
    if (this.#times.length >= this.#maxPerMinute) return false;
    this.#times.push(nowMillis);
    return true;
  }
}
