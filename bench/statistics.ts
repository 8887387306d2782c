/** How figures of several rounds are summed up and printed. */

/** The middle value; the mean of the middle two when their number is even. Throws when there is none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  if (upper === undefined || lower === undefined) throw new Error("no values");
  return (lower + upper) / 2;
}

/** `273 k [241 k to 293 k]`: the median, the lowest and the highest, in thousands. */
export function thousandsWithSpread(values: readonly number[]): string {
  return `${thousands(median(values))} [${thousands(Math.min(...values))} to ${thousands(Math.max(...values))}]`;
}

/** `273 k`. */
export function thousands(value: number): string {
  return `${(value / 1000).toFixed(0)} k`;
}

/** `36 MB`, of 10^6 bytes. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
