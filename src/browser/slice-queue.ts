/** Main thread: runs small pieces of work in order, in slices that leave the page time between them. */

/** Time that a slice takes at most, unless a single piece takes longer. */
export const SLICE_MILLIS = 1;

/** What the queue needs of its surroundings. */
export interface SliceQueueOptions {
  /** Milliseconds of a clock that never goes back. */
  readonly monotonicMillis: () => number;
  /** Calls back after the page had a turn. */
  readonly afterTurn: (callback: () => void) => void;
}

/** A queue of pieces of work. A piece that throws is dropped; the next go on. */
export class SliceQueue {
  readonly #options: SliceQueueOptions;
  readonly #pieces: (() => void)[] = [];
  #scheduled = false;

  constructor(options: SliceQueueOptions) {
    this.#options = options;
  }

  /** Runs a piece after those before it. Resolves when it has run; never rejects. */
  run(piece: () => void): Promise<void> {
    return new Promise((resolve) => {
      this.#pieces.push(() => {
        try {
          piece();
        } finally {
          resolve();
        }
      });
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#scheduled || this.#pieces.length === 0) return;
    this.#scheduled = true;
    this.#options.afterTurn(() => {
      this.#scheduled = false;
      this.#runSlice();
    });
  }

  #runSlice(): void {
    const endMillis = this.#options.monotonicMillis() + SLICE_MILLIS;
    let piece = this.#pieces.shift();
    while (piece !== undefined) {
      try {
        piece();
      } catch {
        // A report of a form that nobody foresaw is not the page's problem.
      }
      if (this.#options.monotonicMillis() >= endMillis) break;
      piece = this.#pieces.shift();
    }
    this.#schedule();
  }
}
