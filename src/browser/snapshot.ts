/** Worker: a posted report, ordered for the calculation. The shapes of older browsers become those of the specification. */
import type { AnyStatsEntry, PostedReport, StatsEntry, StatsType } from "./stats-entry.ts";

/** One connection at one moment. */
export interface Snapshot {
  readonly atMillis: number;
  readonly connectionState: string | undefined;
  readonly entries: readonly AnyStatsEntry[];
  /** The objects of one type, in the report's order. */
  ofType<T extends StatsType>(type: T): readonly StatsEntry<T>[];
  /** An object by id, if it is there and of that type. */
  find<T extends StatsType>(type: T, id: string | undefined): StatsEntry<T> | undefined;
}

/** Orders a posted report. */
export function makeSnapshot(report: PostedReport): Snapshot {
  const byId = new Map<string, AnyStatsEntry>();
  for (const entry of report.entries) byId.set(entry.id, entry);
  const entries = report.entries.map((entry) => (entry.type === "inbound-rtp" ? withTrack(entry, byId) : entry));
  const byType = new Map<StatsType, AnyStatsEntry[]>();
  for (const entry of entries) {
    byId.set(entry.id, entry);
    const sameType = byType.get(entry.type);
    if (sameType === undefined) byType.set(entry.type, [entry]);
    else sameType.push(entry);
  }
  return {
    atMillis: report.atMillis,
    connectionState: report.connectionState,
    entries,
    ofType: <T extends StatsType>(type: T) => (byType.get(type) ?? []) as unknown as readonly StatsEntry<T>[],
    find<T extends StatsType>(type: T, id: string | undefined) {
      const entry = id === undefined ? undefined : byId.get(id);
      return entry?.type === type ? (entry as unknown as StatsEntry<T>) : undefined;
    },
  };
}

/** Safari 17 and older Chromium keep frames, freezes and the jitter buffer of a stream in a `track` object. */
function withTrack(
  stream: StatsEntry<"inbound-rtp">,
  byId: ReadonlyMap<string, AnyStatsEntry>,
): StatsEntry<"inbound-rtp"> {
  const track = stream.trackId === undefined ? undefined : byId.get(stream.trackId);
  return track?.type === "track" ? { ...track, ...stream } : stream;
}
