/** Addresses of the modules that change a receiver under test from within, for `--import`. */

const REPLACE_SOURCE = "replace-source.ts";

/** A replacement of one exact string in one file of `src/`. */
export interface SourceChange {
  /** Below `src/`. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** The module that makes a change of the source. */
export function replaceSource({ file, from, to }: SourceChange): string {
  return address(REPLACE_SOURCE, { file, from, to });
}

/** Whether a module makes such a change. */
export function changesSource(url: string): boolean {
  return new URL(url).pathname.endsWith(`/${REPLACE_SOURCE}`);
}

/** The module that shifts the clock, a step with each SIGUSR2. */
export const SHIFT_CLOCK: string = address("shift-clock.ts", {});

/** The module that has the clock ahead from the start. */
export function clockAhead(days: number): string {
  return address("shift-clock.ts", { days: String(days) });
}

/** The module that ends an embedded receiver at a moment. */
export function killAt(moment: string, skip: number): string {
  return address("kill-at.ts", { at: moment, skip: String(skip) });
}

function address(file: string, values: Readonly<Record<string, string>>): string {
  const url = new URL(`child/${file}`, import.meta.url);
  for (const [name, value] of Object.entries(values)) url.searchParams.set(name, value);
  return url.href;
}
