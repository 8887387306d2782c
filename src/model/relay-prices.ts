/**
 * What a TURN relay costs: the fold prices by it what it counts, the live view what an hour of now would cost.
 */

/** What is charged for a TURN relay, in billionths of the currency unit. */
export interface RelayPrices {
  readonly nanosPerUserHour: number;
  readonly nanosPerGigabyte: number;
}
