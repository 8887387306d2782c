/**
 * Figures that many look at: read once for all who ask at about the same time. What is read of a store grows with the series of all
 * shards; how often must not grow with the pages that are open.
 */
import type { Clock } from "../model/clock.ts";
import type { Result } from "../model/result.ts";

/** What a {@link SharedRead} is made of. */
export interface SharedReadOptions<T> {
  readonly clock: Clock;
  readonly read: () => Promise<Result<T>>;
  /** For so long after a read began its figures are given to whoever asks, milliseconds. */
  readonly keptMillis: number;
}

/** One reading of something, shared. */
export class SharedRead<T> {
  readonly #options: SharedReadOptions<T>;
  #reading: Promise<Result<T>> | undefined;
  #kept: Result<T> | undefined;
  #keptUntilMillis = 0;

  /** Reads nothing yet. */
  constructor(options: SharedReadOptions<T>) {
    this.#options = options;
  }

  /** The figures. Only one read is under way at a time; one that was no success is not kept. */
  get(): Promise<Result<T>> {
    if (this.#kept && this.#options.clock.monotonicMillis() < this.#keptUntilMillis) return Promise.resolve(this.#kept);
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  async #read(): Promise<Result<T>> {
    const { clock, read, keptMillis } = this.#options;
    this.#kept = undefined;
    const began = clock.monotonicMillis();
    const result = await read();
    const ended = clock.monotonicMillis();
    if (result.kind === "success") this.#kept = result;
    // Figures that take longer than they are kept are not read without a pause: half of the time at most.
    this.#keptUntilMillis = Math.max(began + keptMillis, ended + (ended - began));
    return result;
  }
}
