/**
 * How much a tenant has taken of an allowance that flows back evenly. Whoever is below it may go above it once, so that a request
 * larger than the allowance passes and is then waited for, instead of being refused for ever: over n minutes no more than n + 1
 * allowances and one request are taken.
 */

/** What was taken and has not flowed back. */
export class TenantRate {
  #level = 0;
  #atMillis = 0;

  /** What is taken now; `perMinute` flows back every minute. */
  level(perMinute: number, nowMillis: number): number {
    // A clock that was set back gives nothing back.
    const elapsed = Math.max(0, nowMillis - this.#atMillis);
    if (this.#level > 0) this.#level = Math.max(0, this.#level - (elapsed / 60_000) * perMinute);
    this.#atMillis = nowMillis;
    return this.#level;
  }

  /** Milliseconds until more may be taken; 0: now. */
  waitMillis(perMinute: number, nowMillis: number): number {
    if (perMinute === Infinity) return 0;
    const over = this.level(perMinute, nowMillis) - perMinute;
    return over < 0 ? 0 : Math.max(1, (over / perMinute) * 60_000);
  }

  /** Takes an amount; a negative one gives it back. `perMinute` as before. */
  take(amount: number, perMinute: number, nowMillis: number): void {
    if (perMinute === Infinity) this.#level = 0;
    else this.#level = Math.max(0, this.level(perMinute, nowMillis) + amount);
  }
}
