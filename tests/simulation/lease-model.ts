/** The model of one shard's lease on one server. */

/** Who holds the shard, until when. */
export class LeaseModel {
  #holder = "";
  #untilMillis = 0;

  /** Takes or renews; true when `holder` has it for `ttlMillis` from now. */
  hold(holder: string, nowMillis: number, ttlMillis: number): boolean {
    if (this.#holder !== holder && this.#untilMillis > nowMillis) return false;
    this.#holder = holder;
    this.#untilMillis = nowMillis + ttlMillis;
    return true;
  }

  /** Gives it up; another's is left alone. */
  release(holder: string): void {
    if (this.#holder === holder) this.#untilMillis = 0;
  }

  /** Forgets it: the next who asks has it, whoever still believes to. */
  forget(): void {
    this.#untilMillis = 0;
  }
}
