/**
 * Fold, inside: the last cumulative values of one stream, for each start time it was seen with, and the rules that turn a
 * cumulative point into an increment (OpenTelemetry metrics data model, "Resets and Gaps").
 */
import { comparePairs, nanosToMillis } from "../model/uint64.ts";
import type { LatencyState } from "./latency-state.ts";
import type { NumberSlab } from "./number-slab.ts";
import type { PointValue } from "./point-value.ts";
import type { ScopeSize } from "./state-size.ts";

/** Numbers of a {@link Counter} in its slab. */
export const COUNTER_NUMBERS = 8;

/** As long as SQL keeps the state of a scope that nothing is heard of. */
const SILENT_MILLIS = 72 * 3_600_000;

/** The last point folded of one stream and start time. Integers are halves of 64 bits. */
export class Counter {
  readonly #numbers: Float64Array;
  readonly #offset: number;
  /** The buckets of a stream that keeps them. */
  latency: LatencyState | undefined = undefined;

  /** A counter that has seen no point. */
  constructor(slab: NumberSlab) {
    this.#offset = slab.add();
    this.#numbers = slab.numbers;
  }

  /** Makes it that of a start time of which no point was seen. */
  begin(startHigh: number, startLow: number): void {
    const numbers = this.#numbers;
    numbers.fill(0, this.#offset, this.#offset + COUNTER_NUMBERS);
    numbers[this.#offset] = startHigh;
    numbers[this.#offset + 1] = startLow;
    this.latency = undefined;
  }

  /** Whether it is that of a start time. */
  startsAt(startHigh: number, startLow: number): boolean {
    return this.#numbers[this.#offset + 1] === startLow && this.#numbers[this.#offset] === startHigh;
  }

  /** Whether it was silent for so long that it need not be kept when there are many. */
  isDead(receivedAtMillis: number): boolean {
    return nanosToMillis(this.timeHigh, this.timeLow) <= receivedAtMillis - SILENT_MILLIS;
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

/** Start times that a stream keeps however old they are. */
export const KEPT_STARTS_PER_STREAM = 16;

/**
 * Start times remembered of one stream: writers that share an identity, and processes that were restarted. Of dead ones each commit would
 * write more and more.
 */
export const MAX_STARTS_PER_STREAM = 1024;

/** The counters of one stream. */
export class CounterSet {
  /** In the order of their starts. */
  readonly counters: Counter[] = [];
  /** The one found last: a process has one start. */
  #found: Counter | undefined;
  readonly #slab: NumberSlab;
  readonly #size: ScopeSize;
  /** The newest start that was forgotten. */
  forgottenHigh = 0;
  forgottenLow = 0;

  /** `slab`: where the numbers of the counters lie, records of {@link COUNTER_NUMBERS}; `size` counts them in. */
  constructor(slab: NumberSlab, size: ScopeSize) {
    this.#slab = slab;
    this.#size = size;
    size.addStreamState();
  }

  /** The counter of a start time. */
  find(startHigh: number, startLow: number): Counter | undefined {
    const found = this.#found;
    if (found !== undefined && found.startsAt(startHigh, startLow)) return found;
    const counter = this.counters[this.#placeOf(startHigh, startLow)];
    if (counter === undefined || !counter.startsAt(startHigh, startLow)) return undefined;
    this.#found = counter;
    return counter;
  }

  /** Whether a start time that is not there may be one that was forgotten: nothing tells what was counted of it. */
  forgot(startHigh: number, startLow: number): boolean {
    if (startHigh === 0 && startLow === 0) return false;
    return comparePairs(startHigh, startLow, this.forgottenHigh, this.forgottenLow) <= 0;
  }

  /** The counter that is forgotten for a new start, if one must or may be: the one that was silent longest. */
  makesWay(receivedAtMillis: number): Counter | undefined {
    if (this.counters.length < KEPT_STARTS_PER_STREAM) return undefined;
    const silent = this.#longestSilent();
    const hasRoom = this.counters.length < MAX_STARTS_PER_STREAM && !this.#size.isFull;
    return hasRoom && !silent.isDead(receivedAtMillis) ? undefined : silent;
  }

  /** Adds the counter of a start time that is not there yet; `gone`, one of them, is forgotten for it. */
  add(startHigh: number, startLow: number, gone?: Counter): Counter {
    if (gone) this.#forget(gone);
    const counter = gone ?? new Counter(this.#slab);
    counter.begin(startHigh, startLow);
    this.counters.splice(this.#placeOf(startHigh, startLow), 0, counter);
    this.#size.addCounter();
    return counter;
  }

  /** Where a start time is, or belongs. */
  #placeOf(startHigh: number, startLow: number): number {
    let [from, to] = [0, this.counters.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      const counter = this.counters[middle]!;
      if (comparePairs(counter.startHigh, counter.startLow, startHigh, startLow) < 0) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  #longestSilent(): Counter {
    const { counters } = this;
    // Points without a start, which are first in order, have one counter and no other start to come back as.
    let silent = counters[1]!;
    for (let place = counters[0]!.startsAt(0, 0) ? 1 : 0; place < counters.length; place++) {
      const counter = counters[place]!;
      if (comparePairs(counter.timeHigh, counter.timeLow, silent.timeHigh, silent.timeLow) < 0) silent = counter;
    }
    return silent;
  }

  #forget(gone: Counter): void {
    const { startHigh, startLow } = gone;
    this.counters.splice(this.#placeOf(startHigh, startLow), 1);
    this.#size.removeCounter(gone.latency?.counts.length ?? 0);
    if (this.forgot(startHigh, startLow)) return;
    this.forgottenHigh = startHigh;
    this.forgottenLow = startLow;
  }
}
