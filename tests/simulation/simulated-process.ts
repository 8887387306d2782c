/** A process of a simulation: it can be held still and can die, at any moment at which it waits for something. */
import type { Clock, Timer } from "../../src/model/clock.ts";
import { BEGIN } from "../aggregate/owner-world.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** One life of a process, with a clock of its own. */
export class SimulatedProcess implements Clock {
  readonly name: string;
  readonly time: VirtualTime;
  readonly #skewMillis: number;
  readonly #startedAtMillis: number;
  #alive = true;
  #pausedUntilMillis = 0;

  /** `skewMillis`: how wrong its wall clock is. */
  constructor(time: VirtualTime, name: string, skewMillis: number) {
    this.time = time;
    this.name = name;
    this.#skewMillis = skewMillis;
    this.#startedAtMillis = time.nowMillis;
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Ends it: whatever it waits for will never come. */
  kill(): void {
    this.#alive = false;
  }

  /** Holds it still: what it waits for comes when it goes on. */
  pause(millis: number): void {
    this.#pausedUntilMillis = Math.max(this.#pausedUntilMillis, this.time.nowMillis + millis);
  }

  /** Lets something reach the process: now, when its pause is over, or never. */
  enter(action: () => void): void {
    if (!this.#alive) return;
    const left = this.#pausedUntilMillis - this.time.nowMillis;
    if (left <= 0) action();
    else this.time.after(left, () => this.enter(action));
  }

  nowMillis(): number {
    return BEGIN * 1000 + this.#skewMillis + Math.floor(this.time.nowMillis);
  }

  monotonicMillis(): number {
    return this.time.nowMillis - this.#startedAtMillis;
  }

  after(delayMillis: number, callback: () => void): Timer {
    let cleared = false;
    const timer = this.time.after(delayMillis, () => this.enter(() => void (cleared || callback())));
    return {
      clear: () => {
        cleared = true;
        timer.clear();
      },
    };
  }
}
