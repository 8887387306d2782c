/**
 * Follows how many write statements the receiver sent to SQL, so that the demo can say how few they are.
 */

interface Sample {
  readonly atMillis: number;
  readonly writes: number;
}

const MINUTE_MILLIS = 60_000;
const SAMPLE_INTERVAL_MILLIS = 1000;

/** Samples a counter of write statements. */
export class WriteStatements {
  readonly #count: () => number;
  readonly #now: () => number;
  readonly #startMillis: number;
  readonly #startWrites: number;
  #window: Sample[] = [];
  #mostInAMinute = 0;
  #runWrites = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `count` gives the write statements so far; `now` a time in milliseconds that never goes back. */
  constructor(count: () => number, now: () => number = () => performance.now()) {
    this.#count = count;
    this.#now = now;
    this.#startMillis = now();
    this.#startWrites = count();
  }

  /** Samples every second. */
  start(): void {
    this.sample();
    this.#timer = setInterval(() => this.sample(), SAMPLE_INTERVAL_MILLIS).unref();
  }

  /** Takes one sample of the running receiver. */
  sample(): void {
    const atMillis = this.#now();
    const writes = this.#count();
    this.#window = [...this.#window.filter((one) => one.atMillis > atMillis - MINUTE_MILLIS), { atMillis, writes }];
    this.#mostInAMinute = Math.max(this.#mostInAMinute, writes - this.#window[0]!.writes);
    this.#runWrites = writes - this.#startWrites;
  }

  /** Ends sampling; call it before the receiver stops, which commits once more. */
  end(): void {
    clearInterval(this.#timer);
    this.sample();
  }

  /** A sentence about all of it; call it once the receiver has stopped. */
  summary(): string {
    const total = this.#count() - this.#startWrites;
    const seconds = Math.round((this.#now() - this.#startMillis) / 1000);
    return (
      `write statements to SQL: at most ${this.#mostInAMinute} in any minute while running; ` +
      `${total} in all, in ${seconds} s, of them ${total - this.#runWrites} by the commit at the end`
    );
  }
}
