/**
 * Lets only so many do a thing at a time.
 */

/** Turns at something. Who waits is served in order, however long it takes; how many wait is for the caller to bound. */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  /** `count` turns at a time, at least one. */
  constructor(count: number) {
    this.#free = count;
  }

  /** Does the work when it is its turn. Settles as the work does. */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      this.#give();
    }
  }

  #give(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}
