/** The round trips of the last minutes as cells of a heatmap. Pure. */
import type { HistoryJson, RoundTripBucket } from "./live-json.ts";

/** A cell: so many round trips in this step and between these times. */
export interface HeatmapCell {
  /** Start and end of the step, milliseconds since the Unix epoch. */
  readonly fromMillis: number;
  readonly toMillis: number;
  readonly fromSeconds: number;
  readonly toSeconds: number;
  readonly count: number;
  /** From above 0 to 1, the fullest cell: the square root of its share, so that rare ones are seen, too. */
  readonly strength: number;
}

/** The heatmap's cells and what they span. */
export interface HeatmapGrid {
  readonly cells: readonly HeatmapCell[];
  /** Seconds; what the axis shows, when there is nothing to show a usual span. */
  readonly lowest: number;
  readonly highest: number;
  readonly observations: number;
}

/** Counts of round trips by step and range of time. */
export interface RoundTripRow {
  readonly label: readonly [fromSeconds: number, toSeconds: number];
  readonly count: number;
}

/**
 * Round trips up to here, about a millisecond, are one row: in one network they are all the same to a call, and 0, which a browser
 * reports of them, has no place on a logarithmic scale.
 */
const SHORTEST_TOLD_APART = 2 ** -10;
const USUAL_LOWEST = 0.01;
const USUAL_HIGHEST = 0.5;

/** Makes the grid of a history. */
export function heatmapGrid(history: HistoryJson | undefined): HeatmapGrid {
  const steps = history?.steps ?? [];
  const shown = steps.map(({ at, roundTripBuckets }) => ({ at, buckets: withShortestAsOne(roundTripBuckets) }));
  const counts = shown.flatMap(({ buckets }) => buckets.map(({ count }) => count));
  const fullest = counts.reduce((most, count) => Math.max(most, count), 0);
  const cells = shown.flatMap(({ at, buckets }) =>
    buckets
      .filter(({ count }) => count > 0)
      .map((bucket) => ({
        ...bucket,
        fromMillis: at,
        toMillis: at + (history?.stepMillis ?? 0),
        strength: Math.sqrt(bucket.count / fullest),
      })),
  );
  return {
    cells,
    lowest: cells.reduce(
      (least, { fromSeconds }) => Math.min(least, fromSeconds || SHORTEST_TOLD_APART / 2),
      USUAL_LOWEST,
    ),
    highest: cells.reduce((most, { toSeconds }) => Math.max(most, toSeconds), USUAL_HIGHEST),
    observations: counts.reduce((total, count) => total + count, 0),
  };
}

function withShortestAsOne(buckets: readonly RoundTripBucket[]): readonly RoundTripBucket[] {
  const { short = [], rest = [] } = Object.groupBy(buckets, ({ toSeconds }) =>
    toSeconds <= SHORTEST_TOLD_APART ? "short" : "rest",
  );
  const count = short.reduce((total, bucket) => total + bucket.count, 0);
  return count === 0 ? rest : [{ fromSeconds: 0, toSeconds: SHORTEST_TOLD_APART, count }, ...rest];
}

/** Observations by range of time over all steps, shortest first: the heatmap as a table. */
export function roundTripRows({ cells }: HeatmapGrid): readonly RoundTripRow[] {
  const rows = Map.groupBy(cells, ({ fromSeconds, toSeconds }) => `${fromSeconds} ${toSeconds}`);
  return [...rows.values()]
    .map((members) => ({
      label: [members[0]!.fromSeconds, members[0]!.toSeconds] as const,
      count: members.reduce((total, { count }) => total + count, 0),
    }))
    .sort((a, b) => a.label[0] - b.label[0]);
}
