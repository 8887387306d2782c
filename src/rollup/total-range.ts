/**
 * Before a commit reaches SQL for the second time: what would carry a total past 64 bits is taken out of it and put into
 * quarantine, so that a sender of absurd amounts stops neither its shard nor the totals of others.
 */
import { serviceLatencyId } from "../model/dimensions.ts";
import { ROLLUP_COLUMNS } from "../model/rollup-columns.ts";
import { GRANULARITIES } from "../model/rollup-store.ts";
import type { QuarantineRow, ReceiverCounts, RollupIncrement, ShardCommit } from "../model/rollup-store.ts";
import { RECEIVER_COLUMNS } from "./side-rows.ts";
import { SERVICE_LATENCY_TABLES, TOTALS_TABLES } from "./totals-table.ts";
import type { TotalsTable } from "./totals-table.ts";

/** The largest total: that of BIGINT and of SQLite's INTEGER. Seconds with decimals count as milliseconds. */
export const MAX_TOTAL: bigint = 2n ** 63n - 1n;

/** Two amounts up to this cannot pass {@link MAX_TOTAL} together: only rows above it have to be read. */
export const NEARLY_FULL: bigint = 2n ** 62n - 1n;

/** A row of totals that holds more than {@link NEARLY_FULL} in some column. */
export interface NearlyFullRow {
  readonly id: bigint;
  readonly bucketStart: number;
  /** By position of its table's `valueColumns`; 0 for doubles, which have room for everything. */
  readonly values: readonly bigint[];
}

/** The rows that are nearly full, by the name of their table. */
export type NearlyFullRows = ReadonlyMap<string, readonly NearlyFullRow[]>;

/** The buckets of a table that a commit adds to, both ends included; undefined when there are none. */
export function bucketsTouched(
  commit: ShardCommit,
  table: TotalsTable,
): readonly [from: number, to: number] | undefined {
  const { name } = table.granularity;
  const increments =
    table.idColumn === "series_id" ? commit.rollups[name] : name === "daily" ? [] : commit.latencies[name];
  if (increments.length === 0) return undefined;
  let [from, to] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { bucketStart } of increments) {
    from = Math.min(from, bucketStart);
    to = Math.max(to, bucketStart);
  }
  return [from, to];
}

/** Whether a commit holds amounts of which a few pass {@link MAX_TOTAL}: then it is looked at before SQL refuses it. */
export function isVast({ rollups, latencies }: ShardCommit): boolean {
  return (
    GRANULARITIES.some(({ name }) => rollups[name].some(({ carry }) => carry.length > 0)) ||
    latencies.hourly.some(({ count }) => count > Number.MAX_SAFE_INTEGER / 2)
  );
}

/**
 * The commit without the columns of series, and the services' latencies, that would pass {@link MAX_TOTAL} in any of their
 * tables; the same is left out of all granularities, so that they agree. What was left out is in its quarantine, one row a
 * series or service. The commit itself when everything fits.
 */
export function withinRange(commit: ShardCommit, stored: NearlyFullRows): ShardCommit {
  const columns = overflowingColumns(commit, stored);
  const services = overflowingServices(commit, stored);
  if (columns.size === 0 && services.size === 0) return commit;
  const quarantine: QuarantineRow[] = [
    ...[...columns].map(([id, positions]) => quarantinedSeries(commit, id, positions)),
    ...[...services].map((id) => quarantinedService(commit, id)),
  ];
  const without = (increments: readonly RollupIncrement[]): RollupIncrement[] =>
    increments.map((increment) => withoutColumns(increment, columns.get(increment.seriesId)));
  const { rollups, latencies } = commit;
  const others = <T extends { readonly key: Parameters<typeof serviceLatencyId>[0] }>(increments: readonly T[]): T[] =>
    increments.filter(({ key }) => !services.has(serviceLatencyId(key)));
  return {
    ...commit,
    rollups: { minute: without(rollups.minute), hourly: without(rollups.hourly), daily: without(rollups.daily) },
    latencies: { minute: others(latencies.minute), hourly: others(latencies.hourly) },
    receiver: [...commit.receiver, quarantinedCount(commit, quarantine.length)],
    quarantine: [...commit.quarantine, ...quarantine],
  };
}

type Columns = Map<bigint, Set<number>>;

function overflowingColumns({ rollups }: ShardCommit, stored: NearlyFullRows): Columns {
  const columns: Columns = new Map();
  for (const { name, table } of GRANULARITIES) {
    const sums = sumsOf(stored.get(table));
    for (const { seriesId, bucketStart, values, carry } of rollups[name]) {
      const sum = rowSums(sums, seriesId, bucketStart, ROLLUP_COLUMNS.length);
      ROLLUP_COLUMNS.forEach(({ kind }, position) => {
        if (kind !== "seconds") sum[position] = sum[position]! + BigInt(values[position]!);
      });
      for (const [position, amount] of carry) sum[position] = sum[position]! + BigInt(amount);
      for (let position = 0; position < sum.length; position += 1) {
        if (sum[position]! > MAX_TOTAL) mark(columns, seriesId, position);
      }
    }
  }
  return columns;
}

function overflowingServices({ latencies }: ShardCommit, stored: NearlyFullRows): Set<bigint> {
  const services = new Set<bigint>();
  for (const { name, granularity } of SERVICE_LATENCY_TABLES) {
    if (granularity.name === "daily") continue;
    const sums = sumsOf(stored.get(name));
    for (const { key, bucketStart, count } of latencies[granularity.name]) {
      const id = serviceLatencyId(key);
      const sum = rowSums(sums, id, bucketStart, 1);
      sum[0] = sum[0]! + BigInt(count);
      if (sum[0] > MAX_TOTAL) services.add(id);
    }
  }
  return services;
}

function sumsOf(rows: readonly NearlyFullRow[] = []): Map<string, bigint[]> {
  return new Map(rows.map(({ id, bucketStart, values }) => [`${id}/${bucketStart}`, [...values]]));
}

function rowSums(sums: Map<string, bigint[]>, id: bigint, bucketStart: number, length: number): bigint[] {
  const key = `${id}/${bucketStart}`;
  const known = sums.get(key) ?? Array.from({ length }, () => 0n);
  sums.set(key, known);
  return known;
}

function mark(columns: Columns, id: bigint, position: number): void {
  const known = columns.get(id);
  if (known) known.add(position);
  else columns.set(id, new Set([position]));
}

function withoutColumns(increment: RollupIncrement, positions: ReadonlySet<number> | undefined): RollupIncrement {
  if (positions === undefined) return increment;
  const values = increment.values.map((value, position) => (positions.has(position) ? 0 : value));
  return { ...increment, values, carry: increment.carry.filter(([position]) => !positions.has(position)) };
}

/** What was left out of a series, minute by minute: hours and days are the same amounts. */
function quarantinedSeries(commit: ShardCommit, id: bigint, positions: ReadonlySet<number>): QuarantineRow {
  const leftOut: object[] = [];
  for (const { seriesId, bucketStart, values, carry } of commit.rollups.minute) {
    if (seriesId !== id) continue;
    for (const position of positions) {
      let amount = BigInt(values[position]!);
      for (const [place, more] of carry) if (place === position) amount += BigInt(more);
      leftOut.push({ bucketStart, column: ROLLUP_COLUMNS[position]?.name, amount: String(amount) });
    }
  }
  const names = [...positions].map((position) => ROLLUP_COLUMNS[position]?.name).join(", ");
  return quarantineRow(commit, `a total would pass 2^63 - 1: ${names} of series ${id}`, leftOut);
}

function quarantinedService(commit: ShardCommit, id: bigint): QuarantineRow {
  const leftOut = commit.latencies.minute
    .filter(({ key }) => serviceLatencyId(key) === id)
    .map(({ bucketStart, count }) => ({ bucketStart, column: "latency_count", amount: String(count) }));
  return quarantineRow(commit, `a total would pass 2^63 - 1: latency_count of service ${id}`, leftOut);
}

function quarantineRow(
  { offset, persistedAt }: ShardCommit,
  reason: string,
  leftOut: readonly object[],
): QuarantineRow {
  const payload = new TextEncoder().encode(JSON.stringify(leftOut));
  return { logId: offset.toId, receivedAt: persistedAt, reason, payload };
}

function quarantinedCount({ persistedAt }: ShardCommit, quarantined: number): ShardCommit["receiver"][number] {
  const zero = Object.fromEntries(RECEIVER_COLUMNS.map(([, name]) => [name, 0])) as unknown as ReceiverCounts;
  return { bucketStart: persistedAt - (persistedAt % 60), counts: { ...zero, quarantined } };
}

/** The columns of a table whose totals have a limit, with their positions. */
export function limitedColumns({ valueColumns }: TotalsTable): readonly (readonly [name: string, position: number])[] {
  return valueColumns.flatMap(({ name, kind }, position) => (kind === "seconds" ? [] : [[name, position] as const]));
}

/** The tables that a commit adds to, with the buckets it touches. */
export function touchedTables(
  commit: ShardCommit,
): readonly { readonly table: TotalsTable; readonly from: number; readonly to: number }[] {
  return TOTALS_TABLES.flatMap((table) => {
    const buckets = bucketsTouched(commit, table);
    return buckets === undefined ? [] : [{ table, from: buckets[0], to: buckets[1] }];
  });
}
