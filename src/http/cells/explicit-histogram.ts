/**
 * A histogram with fixed bounds, as the OpenTelemetry SDK's explicit bucket histogram.
 */

import type { Aggregate, ExplicitHistogramValue } from "./aggregate.ts";

/** Counts sizes between bounds. */
export class ExplicitHistogram implements Aggregate<ExplicitHistogramValue> {
  readonly #boundaries: readonly number[];
  readonly #counts: Float64Array;
  #sum = 0;
  #count = 0;
  #min = Infinity;
  #max = -Infinity;

  /** `boundaries` ascend. */
  constructor(boundaries: readonly number[]) {
    this.#boundaries = boundaries;
    this.#counts = new Float64Array(boundaries.length + 1);
  }

  /** Counts `bytes` in the first bucket whose bound is not less. */
  record(bytes: number): void {
    this.#count += 1;
    this.#sum += bytes;
    if (bytes < this.#min) this.#min = bytes;
    if (bytes > this.#max) this.#max = bytes;
    let low = 0;
    let high = this.#boundaries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#boundaries[middle] ?? Infinity) < bytes) low = middle + 1;
      else high = middle;
    }
    this.#counts[low] = (this.#counts[low] ?? 0) + 1;
  }

  /** A copy. */
  value(): ExplicitHistogramValue {
    return {
      min: this.#min,
      max: this.#max,
      sum: this.#sum,
      buckets: { boundaries: [...this.#boundaries], counts: [...this.#counts] },
      count: this.#count,
    };
  }

  /** Begins again. */
  reset(): void {
    this.#counts.fill(0);
    this.#sum = 0;
    this.#count = 0;
    this.#min = Infinity;
    this.#max = -Infinity;
  }
}
