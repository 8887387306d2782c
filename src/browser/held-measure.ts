/** Worker: a measure that comes now and then, and holds until it is too old to speak for the present. */

/** Holds the last value for a time. */
export class HeldMeasure {
  readonly #holdMillis: number;
  #value: number | undefined;
  #atMillis = 0;

  /** @param holdMillis how long a value speaks for the present */
  constructor(holdMillis: number) {
    this.#holdMillis = holdMillis;
  }

  /** Takes news, if there is any, and gives what holds now. */
  update(news: number | undefined, nowMillis: number): number | undefined {
    if (news !== undefined) {
      this.#value = news;
      this.#atMillis = nowMillis;
    } else if (nowMillis - this.#atMillis > this.#holdMillis) {
      this.#value = undefined;
    }
    return this.#value;
  }
}
