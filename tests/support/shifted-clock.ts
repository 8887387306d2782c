/** The machine's clock, moved ahead by tests: what would take minutes of real load takes seconds. */
import { type Clock, systemClock, type Timer } from "../../src/model/clock.ts";

/** Runs like the machine's clock, and jumps when it is told to. Timers run in the machine's time. */
export class ShiftedClock implements Clock {
  #shiftMillis = 0;

  nowMillis(): number {
    return systemClock.nowMillis() + this.#shiftMillis;
  }

  monotonicMillis(): number {
    return systemClock.monotonicMillis() + this.#shiftMillis;
  }

  after(delayMillis: number, callback: () => void): Timer {
    return systemClock.after(delayMillis, callback);
  }

  /** Jumps ahead. */
  jump(millis: number): void {
    this.#shiftMillis += millis;
  }
}
