/** Bridge: ends a connection when its token expires. */
import type { Clock, Timer } from "../model/clock.ts";

/** Longer timers would end at once: they are set again. */
const LONGEST_TIMER_MILLIS = 2 ** 31 - 1;

/** Calls `expired` once at a time of the wall clock. */
export class TokenDeadline {
  readonly #clock: Clock;
  readonly #atMillis: number;
  #timer: Timer | undefined;

  constructor(clock: Clock, atMillis: number, expired: () => void) {
    this.#clock = clock;
    this.#atMillis = atMillis;
    this.#wait(expired);
  }

  /** Whether the time has come. */
  get hasPassed(): boolean {
    return this.#clock.nowMillis() >= this.#atMillis;
  }

  /** It does not matter any more. */
  clear(): void {
    this.#timer?.clear();
  }

  #wait(expired: () => void): void {
    const left = Math.max(0, this.#atMillis - this.#clock.nowMillis());
    this.#timer = this.#clock.after(Math.min(left, LONGEST_TIMER_MILLIS), () => {
      if (this.hasPassed) expired();
      else this.#wait(expired);
    });
  }
}
