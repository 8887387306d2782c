/**
 * Fold, inside: the last cumulative values of one stream, for each start time it was seen with, and the rules that turn a
 * cumulative point into an increment (OpenTelemetry metrics data model, "Resets and Gaps").
 */
import { comparePairs } from "../model/uint64.ts";
import type { LatencyState } from "./latency-state.ts";
import type { NumberSlab } from "./number-slab.ts";
import type { PointValue } from "./point-value.ts";
import type { ScopeSize } from "./state-size.ts";

/** Numbers of a {@link Counter} in its slab. */
export const COUNTER_NUMBERS = 8;

/** The last point folded of one stream and start time. Integers are halves of 64 bits. */
export class Counter {
  readonly #numbers: Float64Array;
  readonly #offset: number;
  /** The buckets of a stream that keeps them. */
  latency: LatencyState | undefined = undefined;

  /** A counter that has seen no point. */
  constructor(slab: NumberSlab, startHigh: number, startLow: number) {
    this.#offset = slab.add();
    this.#numbers = slab.numbers;
    this.#numbers[this.#offset] = startHigh;
    this.#numbers[this.#offset + 1] = startLow;
  }

  /** Whether it is that of a start time. */
  startsAt(startHigh: number, startLow: number): boolean {
    return this.#numbers[this.#offset + 1] === startLow && this.#numbers[this.#offset] === startHigh;
  }

  get startHigh(): number {
    return this.#numbers[this.#offset]!;
  }

  get startLow(): number {
    return this.#numbers[this.#offset + 1]!;
  }

  get timeHigh(): number {
    return this.#numbers[this.#offset + 2]!;
  }

  get timeLow(): number {
    return this.#numbers[this.#offset + 3]!;
  }

  /** `count` of a histogram. */
  get count(): number {
    return this.#numbers[this.#offset + 4]!;
  }

  /** The value of whole and millisecond streams, high half. */
  get valueHigh(): number {
    return this.#numbers[this.#offset + 5]!;
  }

  get valueLow(): number {
    return this.#numbers[this.#offset + 6]!;
  }

  /** The value of `seconds` streams. */
  get seconds(): number {
    return this.#numbers[this.#offset + 7]!;
  }

  /** Remembers a point. */
  set(timeHigh: number, timeLow: number, value: PointValue): void {
    const numbers = this.#numbers;
    const offset = this.#offset;
    numbers[offset + 2] = timeHigh;
    numbers[offset + 3] = timeLow;
    numbers[offset + 4] = value.count;
    numbers[offset + 5] = value.high;
    numbers[offset + 6] = value.low;
    numbers[offset + 7] = value.seconds;
  }
}

/** Start times remembered of one stream: interleaved writers and late points of processes that were restarted. */
export const MAX_STARTS_PER_STREAM = 16;

/** The counters of one stream. */
export class CounterSet {
  readonly counters: Counter[] = [];
  /** The one found last: a process has one start. */
  #found: Counter | undefined;
  readonly #slab: NumberSlab;
  readonly #size: ScopeSize;
  /** The newest start that was forgotten: a stream that starts no later comes back as a baseline. */
  forgottenHigh = 0;
  forgottenLow = 0;

  /** `slab`: where the numbers of the counters lie, records of {@link COUNTER_NUMBERS}; `size` counts them in. */
  constructor(slab: NumberSlab, size: ScopeSize) {
    this.#slab = slab;
    this.#size = size;
    size.addStreamState();
  }

  /** Whether another start takes the place of one. */
  get isComplete(): boolean {
    return this.counters.length >= MAX_STARTS_PER_STREAM;
  }

  /** The counter of a start time. */
  find(startHigh: number, startLow: number): Counter | undefined {
    const found = this.#found;
    if (found !== undefined && found.startsAt(startHigh, startLow)) return found;
    const counter = this.counters.find((one) => one.startsAt(startHigh, startLow));
    if (counter !== undefined) this.#found = counter;
    return counter;
  }

  /** Whether a start time is one that was forgotten, or older. */
  forgot(startHigh: number, startLow: number): boolean {
    return comparePairs(startHigh, startLow, this.forgottenHigh, this.forgottenLow) <= 0;
  }

  /** Adds the counter of a start time that is not there yet; the oldest start is forgotten when there are too many. */
  add(startHigh: number, startLow: number): Counter {
    const counter = new Counter(this.#slab, startHigh, startLow);
    this.counters.push(counter);
    this.#size.addCounter();
    if (this.counters.length > MAX_STARTS_PER_STREAM) this.#forgetOldest();
    return counter;
  }

  #forgetOldest(): void {
    let oldest = 0;
    this.counters.forEach((counter, place) => {
      const other = this.counters[oldest]!;
      if (comparePairs(counter.startHigh, counter.startLow, other.startHigh, other.startLow) < 0) oldest = place;
    });
    const [gone] = this.counters.splice(oldest, 1);
    if (gone === this.#found) this.#found = undefined;
    if (gone) this.#size.removeCounter(gone.latency?.counts.length ?? 0);
    if (gone && !this.forgot(gone.startHigh, gone.startLow)) {
      this.forgottenHigh = gone.startHigh;
      this.forgottenLow = gone.startLow;
    }
  }
}
