/**
 * Before a commit reaches SQL: what it holds of erased persons is counted without their name. A receiver may hold their
 * streams still, or find them in its log.
 */
import { seriesId } from "../model/dimensions.ts";
import type { SeriesDimensions } from "../model/dimensions.ts";
import { ERASED_PARTICIPANT, erasureKeys, withoutParticipant } from "../model/erased-participant.ts";
import type { ErasedSeriesRow } from "../model/erased-participant.ts";
import type { RollupIncrement, ShardCommit } from "../model/rollup-store.ts";
import { idOf, type SnapshotRow } from "./totals-snapshot.ts";

/** What tells whether more was erased since it was last read: rows are only ever added. */
export const COUNT_ERASURES =
  "SELECT (SELECT COUNT(*) FROM erased_participants) + (SELECT COUNT(*) FROM erased_series) AS erasures";
export const READ_ERASED_PARTICIPANTS = "SELECT erasure_key FROM erased_participants";
export const READ_ERASED_SERIES = "SELECT series_id, erased_into FROM erased_series";

/** Who was erased, as a store last read it. */
export interface KnownErasures {
  /** What {@link COUNT_ERASURES} said. */
  readonly count: number;
  readonly participants: ReadonlySet<string>;
  readonly series: ReadonlyMap<bigint, bigint>;
}

/** Who was erased, from a count and the rows of {@link READ_ERASED_PARTICIPANTS} and {@link READ_ERASED_SERIES}, of any engine. */
export function knownErasures(
  count: number,
  participants: readonly SnapshotRow[],
  series: readonly SnapshotRow[],
): KnownErasures {
  return {
    count,
    participants: new Set(participants.map((row) => String(row["erasure_key"]))),
    series: new Map(series.map((row) => [idOf(row["series_id"]), idOf(row["erased_into"])])),
  };
}

/** Nobody. */
export const NO_ERASURES: KnownErasures = { count: 0, participants: new Set(), series: new Map() };

/** A commit without the names of erased persons. */
export interface AnonymousCommit {
  readonly commit: ShardCommit;
  /** Series that are not in `erased_series` yet. */
  readonly newlyErased: readonly ErasedSeriesRow[];
}

/** Adds what a commit counts of erased persons to the nameless series of their meetings. The same commit when there is nothing. */
export function withoutErased(commit: ShardCommit, erasures: KnownErasures): AnonymousCommit {
  if (erasures.count === 0) return { commit, newlyErased: [] };
  const into = new Map<bigint, bigint>();
  const newlyErased: ErasedSeriesRow[] = [];
  const series = commit.series.map((one) => {
    if (!isErased(one.dimensions, one.seriesId, erasures)) return one;
    const dimensions = withoutParticipant(one.dimensions);
    const erasedInto = seriesId(dimensions);
    into.set(one.seriesId, erasedInto);
    if (!erasures.series.has(one.seriesId)) newlyErased.push({ seriesId: one.seriesId, erasedInto });
    return { seriesId: erasedInto, dimensions };
  });
  const moved = (increments: readonly RollupIncrement[]): readonly RollupIncrement[] =>
    increments.map((increment) => {
      const id = into.get(increment.seriesId) ?? erasures.series.get(increment.seriesId);
      return id === undefined ? increment : { ...increment, seriesId: id };
    });
  const { minute, hourly, daily } = commit.rollups;
  const rollups = { minute: moved(minute), hourly: moved(hourly), daily: moved(daily) };
  return { commit: { ...commit, series, rollups }, newlyErased };
}

function isErased(dimensions: SeriesDimensions, id: bigint, { participants, series }: KnownErasures): boolean {
  if (series.has(id)) return true;
  const { participantId } = dimensions;
  if (participantId === "" || participantId === ERASED_PARTICIPANT) return false;
  return erasureKeys(dimensions).some((key) => participants.has(key));
}
