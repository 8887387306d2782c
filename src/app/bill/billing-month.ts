/**
 * A month that is billed: UTC, as the days of the totals are.
 */
import { MAX_POINT_AGE_MILLIS } from "../../model/admission.ts";

/** A month. Times are epoch seconds. */
export interface BillingMonth {
  /** `2026-11`. */
  readonly name: string;
  readonly fromSeconds: number;
  /** The start of the month after it. */
  readonly toSeconds: number;
}

/** Reads `2026-11`; `undefined` for any other text. */
export function billingMonth(text: string): BillingMonth | undefined {
  const match = /^([1-9]\d{3})-(0[1-9]|1[0-2])$/.exec(text);
  if (match === null) return undefined;
  const [year, month] = [Number(match[1]), Number(match[2])];
  return { name: text, fromSeconds: Date.UTC(year, month - 1) / 1000, toSeconds: Date.UTC(year, month) / 1000 };
}

/** Whether nothing can come any more for a month once everything was counted that had been received by a time. */
export function isComplete({ toSeconds }: BillingMonth, countedThroughSeconds: number): boolean {
  return countedThroughSeconds >= toSeconds + MAX_POINT_AGE_MILLIS / 1000;
}
