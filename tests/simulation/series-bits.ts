/**
 * How a simulation tells what was counted from a sum: the n-th increment of a series is 4^n. In base four, the digits of a
 * series' total say how often each increment is in it: 0 it is missing, 1 it is there, more it was counted again.
 */

/** Increments of one series; the largest, 4^23, is below what is refused as not credible. */
export const MOST_INCREMENTS = 24;

/** The value of the n-th increment of a series. */
export function incrementOf(place: number): bigint {
  return 4n ** BigInt(place);
}

/** Whether no increment is in a sum more than once. */
export function countsOnce(sum: bigint): boolean {
  return (sum & TWICE) === 0n && sum < 4n ** BigInt(MOST_INCREMENTS);
}

const TWICE = 2n * ((4n ** BigInt(MOST_INCREMENTS) - 1n) / 3n);

/** Which increments of which series: sums of increments by the series' name. */
export class SeriesBits {
  readonly #bits = new Map<string, bigint>();

  /** The increments of a series. */
  of(series: string): bigint {
    return this.#bits.get(series) ?? 0n;
  }

  /** Adds increments that may be there already. */
  include(series: string, increments: bigint): void {
    this.#bits.set(series, this.of(series) | increments);
  }

  /** The names of the series that have any. */
  names(): IterableIterator<string> {
    return this.#bits.keys();
  }
}
