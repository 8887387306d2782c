/** Main thread: runs small pieces of work in order, in slices that leave the page time between them. */

/** After so much time no further piece is begun: with the last piece and what ends the slice it stays below a millisecond. */
export const SLICE_MILLIS = 0.5;

/** Pieces of a slice at most: the clocks of browsers go in steps, of 0.1 ms in some and of 100 ms in others. */
export const MAX_SLICE_PIECES = 16;

/** What the queue needs of its surroundings. */
export interface SliceQueueOptions {
  /** Milliseconds of a clock that never goes back. */
  readonly monotonicMillis: () => number;
  /** Calls back after the page had a turn. */
  readonly afterTurn: (callback: () => void) => void;
  /** Called at the end of each slice. */
  readonly sliceEnded: () => void;
}

interface Piece {
  readonly run: () => void;
  readonly done: () => void;
}

/** A queue of pieces of work. A piece that throws is dropped; the next go on. */
export class SliceQueue {
  readonly #options: SliceQueueOptions;
  readonly #pieces: Piece[] = [];
  #scheduled = false;

  constructor(options: SliceQueueOptions) {
    this.#options = options;
  }

  /** Runs a piece after those before it. Resolves when the slice that it ran in has ended; never rejects. */
  run(piece: () => void): Promise<void> {
    return new Promise((resolve) => {
      this.#pieces.push({ run: piece, done: resolve });
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
    const { monotonicMillis, sliceEnded } = this.#options;
    const endMillis = monotonicMillis() + SLICE_MILLIS;
    let count = 0;
    do {
      attempt(this.#pieces[count]!.run);
      count += 1;
    } while (count < this.#pieces.length && count < MAX_SLICE_PIECES && monotonicMillis() < endMillis);
    const pieces = this.#pieces.splice(0, count);
    attempt(sliceEnded);
    this.#schedule();
    for (const { done } of pieces) done();
  }
}

function attempt(work: () => void): void {
  try {
    work();
  } catch {
    // A report of a form that nobody foresaw is not the page's problem.
  }
}
