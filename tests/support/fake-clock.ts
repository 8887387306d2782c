/** A clock that tests move. */
import type { Clock, Timer } from "../../src/model/clock.ts";

interface PendingTimer {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Stands still until it is advanced. */
export class FakeClock implements Clock {
  readonly #startMillis: number;
  readonly #timers = new Set<PendingTimer>();
  #elapsed = 0;
  #order = 0;

  /** `startMillis`: the wall-clock time it starts at, milliseconds since the Unix epoch. */
  constructor(startMillis: number) {
    this.#startMillis = startMillis;
  }

  nowMillis(): number {
    return this.#startMillis + this.#elapsed;
  }

  monotonicMillis(): number {
    return this.#elapsed;
  }

  after(delayMillis: number, callback: () => void): Timer {
    const timer: PendingTimer = { at: this.#elapsed + delayMillis, order: this.#order++, callback };
    this.#timers.add(timer);
    return { clear: () => void this.#timers.delete(timer) };
  }

  /** Moves time, calling what becomes due in order and waiting, after each, for what it set off without a timer. */
  async advance(millis: number): Promise<void> {
    const end = this.#elapsed + millis;
    for (let due = this.#next(end); due !== undefined; due = this.#next(end)) {
      this.#timers.delete(due);
      this.#elapsed = due.at;
      due.callback();
      await settled();
    }
    this.#elapsed = end;
  }

  #next(end: number): PendingTimer | undefined {
    const due = [...this.#timers].filter(({ at }) => at <= end);
    return due.sort((a, b) => a.at - b.at || a.order - b.order)[0];
  }
}

/** Resolves when every promise that waits for nothing but promises has settled. */
export function settled(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
