/**
 * What work costs, told from the rounds of `bench/scale.ts`: CPU seconds of a point, of a point that is read back from the log because
 * another receiver took it in, of a row of SQL, of a live update, and of being there.
 */
import { nonNegativeLeastSquares } from "./least-squares.ts";
import type { PartSeconds, ScaleCell, ScaleRound } from "./scale-measurements.ts";
import { warmRounds } from "./scale-figures.ts";

/** Amounts of work, in a round or a second. */
export interface Work {
  readonly points: number;
  /** Points that another receiver took in than the one that folds them. */
  readonly pointsReadBack: number;
  /** Rows of SQL that are inserted or updated. */
  readonly rows: number;
  /** Series whose live figures are told anew. */
  readonly liveUpdates: number;
  /** Receivers, times the seconds that they are there. */
  readonly receiverSeconds: number;
  /** Shards, times the seconds that they are there. */
  readonly shardSeconds: number;
}

/** A kind of work. */
export type WorkKind = keyof Work;

/** CPU seconds of one of each. */
export type CostOf = Readonly<Partial<Record<WorkKind, number>>>;

/** What each part of a deployment pays for. */
export interface CpuModel {
  readonly receivers: CostOf;
  readonly redis: CostOf;
  readonly sql: CostOf;
}

/** How a cell comes out that the model was not told of. */
export interface LeftOut {
  readonly receivers: number;
  readonly series: number;
  readonly measured: number;
  readonly predicted: number;
  /** `predicted / measured - 1`. */
  readonly error: number;
}

/** The parts, and what each of them has to do with. */
const KINDS: Readonly<Record<keyof CpuModel, readonly WorkKind[]>> = {
  receivers: ["points", "pointsReadBack", "rows", "liveUpdates", "receiverSeconds"],
  redis: ["points", "pointsReadBack", "liveUpdates", "shardSeconds"],
  sql: ["rows", "shardSeconds"],
};

/** Seconds between two updates of the live figures: `METRICS_PROCESS_INTERVAL` as shipped. */
export const LIVE_UPDATE_SECONDS = 5;

/** Below it a part's seconds are the noise of its clock, which ticks 100 times a second. */
const MIN_CPU_SECONDS = 0.02;

/** The work of a round. */
export function workOf(cell: ScaleCell, round: ScaleRound): Work {
  return {
    points: round.points,
    pointsReadBack: round.points * (1 - 1 / cell.receivers),
    rows: round.sqlRows,
    liveUpdates: cell.series * (1 + round.sendSeconds / LIVE_UPDATE_SECONDS),
    receiverSeconds: cell.receivers * round.wallSeconds,
    shardSeconds: cell.shards * round.wallSeconds,
  };
}

/** The model that comes closest to the rounds of these cells. Throws when there are none. */
export function calibrated(cells: readonly ScaleCell[]): CpuModel {
  const rounds = cells.flatMap((cell) => warmRounds(cell).map((round) => ({ work: workOf(cell, round), round })));
  const costOf = (part: keyof CpuModel): CostOf => {
    const kinds = KINDS[part];
    const wanted = rounds.map(({ round }) => Math.max(MIN_CPU_SECONDS, round.cpuSeconds[part]));
    const costs = nonNegativeLeastSquares(
      rounds.map(({ work }) => kinds.map((kind) => work[kind])),
      wanted,
    );
    return Object.fromEntries(kinds.map((kind, at) => [kind, costs[at]!]));
  };
  return { receivers: costOf("receivers"), redis: costOf("redis"), sql: costOf("sql") };
}

/** CPU seconds of this work, by part. */
export function cpuOf(model: CpuModel, work: Work): PartSeconds {
  const cost = (part: keyof CpuModel): number =>
    KINDS[part].reduce((sum, kind) => sum + (model[part][kind] ?? 0) * work[kind], 0);
  return { receivers: cost("receivers"), redis: cost("redis"), sql: cost("sql") };
}

/** Every cell, as the others together foretell it. */
export function leftOut(cells: readonly ScaleCell[]): readonly LeftOut[] {
  return cells
    .filter((cell) => warmRounds(cell).length > 0)
    .map((cell) => {
      const model = calibrated(cells.filter((other) => other !== cell));
      let [measured, predicted] = [0, 0];
      for (const round of warmRounds(cell)) {
        measured += total(round.cpuSeconds);
        predicted += total(cpuOf(model, workOf(cell, round)));
      }
      const { receivers, series } = cell;
      return { receivers, series, measured, predicted, error: predicted / measured - 1 };
    });
}

/**
 * CPU seconds a point of every cell against those of one receiver at the same number of series, round by round: the ratios. Without
 * rounds of one receiver a cell is left out.
 */
export function againstOneReceiver(
  cells: readonly ScaleCell[],
): readonly { readonly cell: ScaleCell; readonly ratios: readonly number[] }[] {
  return cells
    .filter(({ receivers }) => receivers > 1)
    .map((cell) => {
      const one = cells.find(({ receivers, series }) => receivers === 1 && series === cell.series);
      const alone = one ? warmRounds(one) : [];
      const pairs = warmRounds(cell).flatMap((round, at) => (alone[at] ? [[round, alone[at]] as const] : []));
      return { cell, ratios: pairs.map(([round, other]) => perPoint(round) / perPoint(other)) };
    })
    .filter(({ ratios }) => ratios.length > 0);
}

function perPoint({ cpuSeconds, points }: ScaleRound): number {
  return total(cpuSeconds) / points;
}

/** All parts together. */
export function total({ receivers, redis, sql }: PartSeconds): number {
  return receivers + redis + sql;
}
