/**
 * A base-2 exponential histogram of whole numbers, as the OpenTelemetry SDK's: it begins at scale 20 and halves the resolution
 * whenever the values span more than `maxSize` buckets.
 */

import type { Aggregate, ExponentialHistogramValue } from "./aggregate.ts";

const MAX_SCALE = 20;
/** Below 2^31 the exponent is one instruction. */
const INT32_BITS = 31;

/** Counts sizes in at most `maxSize` buckets. */
export class ExponentialHistogram implements Aggregate<ExponentialHistogramValue> {
  readonly #maxSize: number;
  #counts: Float64Array | undefined = undefined;
  #scale = MAX_SCALE;
  /** Index of the first bucket, and how many there are. */
  #offset = 0;
  #length = 0;
  #count = 0;
  #zeroCount = 0;
  #sum = 0;
  #min = Infinity;
  #max = -Infinity;
  /** The last value that was not 0 and its place in the counts: services often send the same size again. */
  #lastBytes = 0;
  #lastPlace = 0;

  /** `maxSize` is at least 2. */
  constructor(maxSize: number) {
    this.#maxSize = maxSize;
  }

  /** Counts `bytes`, 0 beside the buckets. */
  record(bytes: number): void {
    this.#count += 1;
    if (bytes < this.#min) this.#min = bytes;
    if (bytes > this.#max) this.#max = bytes;
    if (bytes === 0) {
      this.#zeroCount += 1;
      return;
    }
    this.#sum += bytes;
    const counts = (this.#counts ??= new Float64Array(this.#maxSize));
    if (bytes !== this.#lastBytes) {
      this.#lastPlace = this.#placeOf(bytes, counts);
      this.#lastBytes = bytes;
    }
    counts[this.#lastPlace] = (counts[this.#lastPlace] ?? 0) + 1;
  }

  /** A copy. */
  value(): ExponentialHistogramValue {
    return {
      min: this.#min,
      max: this.#max,
      sum: this.#sum,
      positive: { offset: this.#offset, bucketCounts: [...(this.#counts?.subarray(0, this.#length) ?? [])] },
      negative: { offset: 0, bucketCounts: [] },
      count: this.#count,
      scale: this.#length === 0 ? 0 : this.#scale,
      zeroCount: this.#zeroCount,
    };
  }

  /** Begins again, at the finest scale. */
  reset(): void {
    this.#counts?.fill(0);
    this.#scale = MAX_SCALE;
    this.#offset = 0;
    this.#length = 0;
    this.#count = 0;
    this.#zeroCount = 0;
    this.#sum = 0;
    this.#min = Infinity;
    this.#max = -Infinity;
    this.#lastBytes = 0;
  }

  /** Makes room for a value and says where it is counted. */
  #placeOf(bytes: number, counts: Float64Array): number {
    let index = indexOf(bytes, this.#scale);
    if (this.#length === 0) {
      this.#offset = index;
      this.#length = 1;
      return 0;
    }
    let low = Math.min(this.#offset, index);
    let high = Math.max(this.#offset + this.#length - 1, index);
    let change = 0;
    while (high - low >= this.#maxSize) {
      low >>= 1;
      high >>= 1;
      change += 1;
    }
    if (change > 0) {
      this.#downscale(change, counts);
      index = indexOf(bytes, this.#scale);
    }
    if (index < this.#offset) this.#extendDown(this.#offset - index, counts);
    else this.#length = Math.max(this.#length, index - this.#offset + 1);
    return index - this.#offset;
  }

  /** Joins 2^change buckets to one. Only moves whole counts, so nothing is rounded. */
  #downscale(change: number, counts: Float64Array): void {
    const offset = this.#offset >> change;
    for (let place = 0; place < this.#length; place += 1) {
      const count = counts[place] ?? 0;
      const target = ((this.#offset + place) >> change) - offset;
      counts[place] = 0;
      counts[target] = (counts[target] ?? 0) + count;
    }
    this.#length = ((this.#offset + this.#length - 1) >> change) - offset + 1;
    this.#offset = offset;
    this.#scale -= change;
  }

  #extendDown(buckets: number, counts: Float64Array): void {
    counts.copyWithin(buckets, 0, this.#length);
    counts.fill(0, 0, buckets);
    this.#length += buckets;
    this.#offset -= buckets;
  }
}

/** The bucket of a positive value: above 2^(index / 2^scale), up to and with 2^((index + 1) / 2^scale). */
function indexOf(bytes: number, scale: number): number {
  const exponent = exponentOf(bytes);
  const isPower = bytes === 2 ** exponent;
  if (scale <= 0) return (isPower ? exponent - 1 : exponent) >> -scale;
  return isPower ? (exponent << scale) - 1 : Math.floor(Math.log(bytes) * (Math.LOG2E * 2 ** scale));
}

function exponentOf(bytes: number): number {
  return bytes < 2 ** INT32_BITS
    ? INT32_BITS - Math.clz32(bytes)
    : INT32_BITS + exponentOf(Math.floor(bytes / 2 ** INT32_BITS));
}
