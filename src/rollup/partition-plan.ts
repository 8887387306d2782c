/**
 * Which partitions a table of totals should have at a time: old ones go whole, room ahead is made before it is needed.
 */
import type { Granularity } from "../model/rollup-store.ts";
import type { TotalsTable } from "./totals-table.ts";

/** A partition: all rows below its bound and not below the one before it. */
export interface Partition {
  readonly name: string;
  /** Exclusive, epoch seconds; `Infinity` for the last. */
  readonly until: number;
}

/** The partition that takes what no other does. */
export const LAST_PARTITION = "p_max";

/** What to change. */
export interface PartitionPlan {
  /** New partitions, oldest first, cut from the last one. */
  readonly add: readonly Partition[];
  /** Partitions that hold only what is past its retention. */
  readonly drop: readonly Partition[];
}

interface PartitionPeriod {
  /** Start of the period that holds a time, epoch seconds. */
  startOf(seconds: number): number;
  /** Start of the period after the one that starts here. */
  after(startSeconds: number): number;
  /** Periods made ahead of the current one. */
  readonly ahead: number;
}

/** How far back a table that is kept for ever is cut when it is new: older rows share its first partition. */
const NEW_TABLE_LOOK_BACK_SECONDS = 48 * 3600;

const DAY: PartitionPeriod = {
  startOf: (seconds) => seconds - (seconds % 86_400),
  after: (start) => start + 86_400,
  ahead: 3,
};

const MONTH: PartitionPeriod = {
  startOf: (seconds) => utcSeconds(yearOf(seconds), monthOf(seconds)),
  after: (start) => utcSeconds(yearOf(start), monthOf(start) + 1),
  ahead: 2,
};

const YEAR: PartitionPeriod = {
  startOf: (seconds) => utcSeconds(yearOf(seconds), 0),
  after: (start) => utcSeconds(yearOf(start) + 1, 0),
  ahead: 1,
};

const PERIODS: Readonly<Record<Granularity, PartitionPeriod>> = { minute: DAY, hourly: MONTH, daily: YEAR };

/** Plans the partitions of a table from those it has: room is made by the clock, and what is old goes by the time of retention. */
export function planPartitions(
  table: TotalsTable,
  existing: readonly Partition[],
  nowSeconds: number,
  retentionSeconds: number,
): PartitionPlan {
  const { keptSeconds, name } = table.granularity;
  const period = PERIODS[name];
  const lookBack = Number.isFinite(keptSeconds) ? keptSeconds : NEW_TABLE_LOOK_BACK_SECONDS;
  const bounded = existing.filter(({ until }) => Number.isFinite(until));
  const oldest = period.startOf(nowSeconds - lookBack);
  let until = Math.max(oldest, ...bounded.map((partition) => partition.until));
  const end = lastBound(period, nowSeconds);
  const add: Partition[] = [];
  while (until < end) {
    until = period.after(until);
    add.push({ name: partitionName(until), until });
  }
  return { add, drop: bounded.filter((partition) => partition.until <= retentionSeconds - keptSeconds) };
}

function lastBound(period: PartitionPeriod, nowSeconds: number): number {
  let end = period.after(period.startOf(nowSeconds));
  for (let step = 0; step < period.ahead; step += 1) end = period.after(end);
  return end;
}

function partitionName(until: number): string {
  return `p_until_${new Date(until * 1000).toISOString().slice(0, 10).replaceAll("-", "")}`;
}

function yearOf(seconds: number): number {
  return new Date(seconds * 1000).getUTCFullYear();
}

function monthOf(seconds: number): number {
  return new Date(seconds * 1000).getUTCMonth();
}

function utcSeconds(year: number, month: number): number {
  return Date.UTC(year, month, 1) / 1000;
}
