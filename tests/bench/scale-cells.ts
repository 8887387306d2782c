/** Cells of the scale bench as they would be if work cost exactly this. */
import type { ScaleCell, ScaleRound } from "../../bench/scale-measurements.ts";
import { cpuOf, type CpuModel, workOf } from "../../bench/scale-model.ts";

/** Costs near those that were measured. */
export const MADE_OF: CpuModel = {
  receivers: { points: 3e-6, pointsReadBack: 1e-6, rows: 40e-6, liveUpdates: 20e-6, receiverSeconds: 0.02 },
  redis: { points: 0.5e-6, pointsReadBack: 0.1e-6, liveUpdates: 3e-6, shardSeconds: 0.002 },
  sql: { rows: 70e-6, shardSeconds: 0.001 },
};

/** A round of so many exports of every series. */
function roundOf(cell: Omit<ScaleCell, "rounds">, passes: number, wallSeconds: number): ScaleRound {
  const points = passes * cell.series * 5;
  const round: ScaleRound = {
    isWarm: true,
    passes,
    requests: points / 250,
    points,
    bytesPerRequest: 10_000,
    cpuSeconds: { receivers: 0, redis: 0, sql: 0 },
    commits: cell.shards,
    sqlRows: cell.series * 4,
    sqlStatements: 40,
    sqlRedoBytes: 0,
    overloaded: 0,
    sendSeconds: wallSeconds / 2,
    wallSeconds,
    redisBytes: (points / 250) * 10_000 + 300 * cell.series,
  };
  return { ...round, cpuSeconds: cpuOf(MADE_OF, workOf({ ...cell, rounds: [] }, round)) };
}

/** What one, two and four receivers would measure at these numbers of series. */
export function madeCells(series: readonly number[]): readonly ScaleCell[] {
  return series.flatMap((count) =>
    [1, 2, 4].map((receivers) => {
      const cell = {
        day: "2026-01-01",
        load: [1, 1] as const,
        persistMillis: 10_000,
        receivers,
        series: count,
        shards: 4,
        receiverPeakBytes: 200e6 + (5000 * count) / receivers,
        liveMillis: [1000, 2000],
        takeOverMillis: 5000,
        shardsOfKilled: 2,
        rowBytes: { metrics_minute: 250, metrics_hourly: 300, metrics_daily: 300, counter_state: 10_000, series: 100 },
        isExact: true,
        fault: null,
      };
      const rounds = [roundOf(cell, 20, 17 + receivers), roundOf(cell, 5, 31 - receivers)];
      return { ...cell, rounds };
    }),
  );
}
