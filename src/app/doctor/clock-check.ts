/**
 * Compares a server's clock with ours: points are put into minutes and refused by age, so clocks must agree.
 */
import { ok, warn, type Check } from "./check.ts";

const MAX_DIFFERENCE_MILLIS = 2000;

/** `aheadMillis`: how far the server's clock is ahead; `undefined` when it could not be asked. */
export function clockCheck(subject: string, aheadMillis: number | undefined): Check {
  if (aheadMillis === undefined) return warn(subject, "the server did not tell its time; keep all machines on NTP");
  const seconds = (Math.abs(aheadMillis) / 1000).toFixed(1);
  if (Math.abs(aheadMillis) <= MAX_DIFFERENCE_MILLIS) return ok(subject, `within ${seconds} s of ours`);
  const direction = aheadMillis > 0 ? "ahead of" : "behind";
  return warn(subject, `${seconds} s ${direction} ours; keep all machines on NTP`);
}
