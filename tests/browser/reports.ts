/** Reports for the tests of the page side: recorded ones, and ones written from the shapes of browsers. */
import { readFileSync } from "node:fs";
import { ConnectionSampler, type ConnectionSample } from "../../src/browser/connection-sampler.ts";
import { ReportReader, type StatsReport } from "../../src/browser/report-reader.ts";
import type { PostedReport } from "../../src/browser/stats-entry.ts";

/** One object of a report, as a browser gives it. */
export type RawEntry = Readonly<Record<string, unknown>> & { readonly id: string; readonly type: string };

/** A report as `getStats()` gives it. */
export function reportOf(entries: readonly RawEntry[]): StatsReport {
  return new Map(entries.map((entry) => [entry.id, entry]));
}

/** The reports of one side of a call, a second apart, recorded by `tests/support/record-call-process.ts`. */
export function recordedCall(browser: "chromium" | "firefox" = "chromium"): readonly (readonly RawEntry[])[] {
  const file = new URL(`recordings/${browser}-call.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { reports: RawEntry[][] }).reports;
}

/** One connection, read and sampled as in a page: a report a second unless told otherwise. */
export class FollowedPage {
  readonly #reader = new ReportReader();
  readonly #sampler = new ConnectionSampler();
  #atMillis = 0;

  post(entries: readonly RawEntry[], elapsedMillis = 1_000, connectionState?: string): PostedReport {
    this.#atMillis += elapsedMillis;
    const read = this.#reader.read(reportOf(entries));
    return { atMillis: this.#atMillis, entries: read, ...(connectionState === undefined ? {} : { connectionState }) };
  }

  sample(entries: readonly RawEntry[], elapsedMillis = 1_000, connectionState?: string): ConnectionSample {
    return this.#sampler.sample(this.post(entries, elapsedMillis, connectionState));
  }
}

/** Samples a series of reports, a second apart. */
export function samplesOf(reports: readonly (readonly RawEntry[])[]): ConnectionSample[] {
  const page = new FollowedPage();
  return reports.map((entries) => page.sample(entries));
}

/** Gives every object the same time. */
export function at(seconds: number, entries: readonly Omit<RawEntry, "timestamp">[]): RawEntry[] {
  return entries.map((entry) => ({ timestamp: 1_700_000_000_000 + seconds * 1_000, ...entry }) as unknown as RawEntry);
}
