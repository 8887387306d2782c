/** Realtime, inside: a series that has just moved to another shard is told of by both for a while. */
import type { RealtimeSeries } from "../model/realtime-store.ts";

/** The series, each once: as it is told of until latest. */
export function newestOf(all: readonly RealtimeSeries[]): readonly RealtimeSeries[] {
  const newest = new Map<string, RealtimeSeries>();
  for (const series of all) {
    const known = newest.get(series.seriesId);
    if (known === undefined || known.expiresAtMillis < series.expiresAtMillis) newest.set(series.seriesId, series);
  }
  return newest.size === all.length ? all : [...newest.values()];
}
