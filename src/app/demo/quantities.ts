/**
 * Numbers as a person reads them in a terminal.
 */

const STEP = 1000;
const UNITS = ["B/s", "kB/s", "MB/s", "GB/s", "TB/s"];

/** Bytes a second, in powers of 1000. */
export function byteRateText(bytesPerSecond: number): string {
  let value = bytesPerSecond;
  let unit = 0;
  while (value >= STEP && unit < UNITS.length - 1) {
    value /= STEP;
    unit += 1;
  }
  return `${value.toFixed(unit === 0 ? 0 : 1)} ${UNITS[unit]!}`;
}

/** A duration in milliseconds; a dash when there is none. */
export function millisText(seconds: number | null): string {
  if (seconds === null) return "-";
  const millis = seconds * 1000;
  return `${millis.toFixed(millis < 10 ? 1 : 0)} ms`;
}
