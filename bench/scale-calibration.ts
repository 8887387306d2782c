/** Everything that the model knows of one unit, from the measurements: CPU, rows, bytes. */
import type { BridgeRound, ScaleCell, ScaleMeasurements } from "./scale-measurements.ts";
import { calibrated, type CpuModel } from "./scale-model.ts";
import { warmRounds, wholeCommits } from "./scale-figures.ts";
import { median } from "./statistics.ts";

/** Costs of one unit. */
export interface Calibration {
  readonly cpu: CpuModel;
  /** Rows that a commit writes for each series that it has, all tables together. */
  readonly rowsPerSeries: number;
  /** Bytes of a request, by its points. */
  readonly bytesPerPoint: number;
  /** Redis beyond what waits in the log: the live figures. */
  readonly redisBytesPerSeries: number;
  /** A receiver's memory: what it has in any case, and for each series that it folds. */
  readonly receiverBaseBytes: number;
  readonly receiverBytesPerSeries: number;
  /** Bytes of a row of the three rollup tables, and what is kept once for each series. */
  readonly minuteRowBytes: number;
  readonly hourlyRowBytes: number;
  readonly dailyRowBytes: number;
  readonly stateBytesPerSeries: number;
  /** CPU seconds of the browsers' side; zero where it was not measured. */
  readonly browsers: BrowserCosts;
}

/** What pages cost: an event, and being connected for a second. */
export interface BrowserCosts {
  readonly event: PartCost;
  readonly participantSecond: PartCost;
  /** Memory of the bridge for each that is connected: its whole memory shared out, an upper bound with few of them. */
  readonly bytesPerParticipant: number;
  readonly bytesPerEvent: number;
}

interface PartCost {
  readonly receivers: number;
  readonly redis: number;
  readonly sql: number;
}

const PARTS = ["receivers", "redis", "sql"] as const;

/** The calibration by these measurements. Throws without a cell that has rounds. */
export function calibration({ cells, bridge }: ScaleMeasurements): Calibration {
  const measured = cells.filter((cell) => warmRounds(cell).length > 0);
  if (measured.length === 0) throw new Error("nothing was measured");
  const memory = line(measured.map((cell) => [cell.series / cell.receivers, cell.receiverPeakBytes] as const));
  const redis = line(
    measured.flatMap((cell) =>
      warmRounds(cell).map((round) => [cell.series, round.redisBytes - waitingBytes(round)] as const),
    ),
  );
  return {
    cpu: calibrated(measured),
    rowsPerSeries: rowsPerSeries(measured),
    bytesPerPoint: median(
      measured.flatMap((cell) => warmRounds(cell).map((r) => (r.bytesPerRequest * r.requests) / r.points)),
    ),
    redisBytesPerSeries: redis.slope,
    receiverBaseBytes: memory.base,
    receiverBytesPerSeries: memory.slope,
    minuteRowBytes: rowBytes(measured, "metrics_minute"),
    hourlyRowBytes: rowBytes(measured, "metrics_hourly"),
    dailyRowBytes: rowBytes(measured, "metrics_daily"),
    stateBytesPerSeries: stateBytes(measured),
    browsers: browserCosts(bridge ?? []),
  };
}

function waitingBytes({
  bytesPerRequest,
  requests,
}: {
  readonly bytesPerRequest: number;
  readonly requests: number;
}): number {
  return bytesPerRequest * requests;
}

/** Of whole commits where there were any; else of all rounds, by the commits of all shards that they were. */
function rowsPerSeries(cells: readonly ScaleCell[]): number {
  const whole = cells.flatMap((cell) => wholeCommits(cell).map(({ sqlRows }) => sqlRows / cell.series));
  if (whole.length > 0) return median(whole);
  const parts = cells.flatMap((cell) =>
    warmRounds(cell).map(({ sqlRows, commits }) => sqlRows / cell.series / Math.max(1, commits / cell.shards)),
  );
  return median(parts);
}

/** The largest number of series tells most: pages are filled. */
function rowBytes(cells: readonly ScaleCell[], table: string): number {
  return (
    cells.toSorted((a, b) => b.series - a.series).find((cell) => (cell.rowBytes[table] ?? 0) > 0)?.rowBytes[table] ?? 0
  );
}

function stateBytes(cells: readonly ScaleCell[]): number {
  // A row of state is a service of fifty series.
  return rowBytes(cells, "series") + rowBytes(cells, "counter_state") / 50;
}

/** The line through points that is closest, neither below zero; through the origin where there is only one x. */
function line(points: readonly (readonly [x: number, y: number])[]): { readonly base: number; readonly slope: number } {
  const meanX = mean(points.map(([x]) => x));
  const meanY = mean(points.map(([, y]) => y));
  const spread = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  if (spread === 0) return { base: 0, slope: Math.max(0, meanY / meanX) };
  const slope = Math.max(0, points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / spread);
  return { base: Math.max(0, meanY - slope * meanX), slope };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Two rounds with the same participants and other intervals tell an event from being connected. */
function browserCosts(rounds: readonly BridgeRound[]): BrowserCosts {
  const nothing = { receivers: 0, redis: 0, sql: 0 };
  const [slow, fast] = rounds.toSorted((a, b) => a.events / a.seconds - b.events / b.seconds);
  if (!slow || !fast) {
    return { event: nothing, participantSecond: nothing, bytesPerParticipant: 0, bytesPerEvent: 0 };
  }
  const [event, participantSecond] = [{ ...nothing }, { ...nothing }];
  for (const part of PARTS) {
    const perSecond = (round: BridgeRound): number => round.cpuSeconds[part] / round.seconds;
    const events = fast.events / fast.seconds - slow.events / slow.seconds;
    const each = Math.max(0, (perSecond(fast) - perSecond(slow)) / events);
    event[part] = each;
    participantSecond[part] = Math.max(0, perSecond(slow) - each * (slow.events / slow.seconds)) / slow.participants;
  }
  const bytesPerParticipant = slow.receiverPeakBytes / slow.participants;
  return { event, participantSecond, bytesPerParticipant, bytesPerEvent: fast.bytes / fast.events };
}
