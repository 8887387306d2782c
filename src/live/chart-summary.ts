/** What a chart shows, in words, for those who do not see it. Pure. */

/** One line of a chart. */
export interface SummarisedLine {
  readonly label: string;
  readonly values: readonly (number | null)[];
  readonly format: (value: number) => string;
}

/** "Bandwidth, last 5 minutes. In: now 1.20 MB/s, lowest …, highest …." */
export function chartSummary(title: string, lines: readonly SummarisedLine[]): string {
  return `${title}, last 5 minutes. ${lines.map(lineSummary).join(" ")}`;
}

function lineSummary({ label, values, format }: SummarisedLine): string {
  const known = values.filter((value) => value !== null);
  const last = known.at(-1);
  if (last === undefined) return `${label}: no values.`;
  const lowest = known.reduce((least, value) => Math.min(least, value));
  const highest = known.reduce((most, value) => Math.max(most, value));
  return `${label}: latest ${format(last)}, lowest ${format(lowest)}, highest ${format(highest)}.`;
}
