/** What happened in a simulation, written down only when somebody wants to read it. */
import type { VirtualTime } from "./virtual-time.ts";

/** The lines of one run. */
export class Trace {
  readonly #time: VirtualTime;
  readonly #lines: string[] | undefined;

  /** `isKept`: false costs nothing. */
  constructor(time: VirtualTime, isKept: boolean) {
    this.#time = time;
    this.#lines = isKept ? [] : undefined;
  }

  /** Notes something; the text is made only when it is kept. */
  note(text: () => string): void {
    this.#lines?.push(`${(this.#time.nowMillis / 1000).toFixed(4).padStart(9)} ${text()}`);
  }

  /** What was noted, oldest first. */
  get lines(): readonly string[] {
    return this.#lines ?? [];
  }
}
