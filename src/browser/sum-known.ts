/** Worker: sums of what may be unknown. */

/** The sum of those values that are known; `undefined` when none is. */
export function sumKnown(values: Iterable<number | undefined>): number | undefined {
  let sum: number | undefined;
  for (const value of values) {
    if (value !== undefined) sum = (sum ?? 0) + value;
  }
  return sum;
}

/** A number for each direction; `undefined` is unknown. */
export interface Directions {
  readonly receive: number | undefined;
  readonly transmit: number | undefined;
}
