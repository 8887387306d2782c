/** Worker: how long to wait before trying again, so that pages that lost a receiver together do not come back together. */

/** The wait after the first failure, at most. */
export const FIRST_DELAY_MILLIS = 1_000;
/** The wait however long it goes on, at most. */
export const LONGEST_DELAY_MILLIS = 30_000;

/**
 * Between half and all of a delay that doubles with each failure.
 * @param failures in a row, from 1
 * @param random from 0 to 1, uniform
 */
export function retryDelayMillis(failures: number, random: number): number {
  // 2^16 is past the longest delay; a year of failures must not overflow.
  const delay = Math.min(LONGEST_DELAY_MILLIS, FIRST_DELAY_MILLIS * 2 ** Math.min(failures - 1, 16));
  return delay / 2 + (delay / 2) * random;
}
