/**
 * The tables a commit adds totals to, and a commit seen as additions to them: rollups and service latencies are alike, a
 * key, some labels, numbers and a histogram. Both engines build their statements from this description.
 */
import { serviceLatencyId } from "../model/dimensions.ts";
import type { Protocol } from "../model/dimensions.ts";
import type { LatencyCounts } from "../model/latency-histogram.ts";
import { ROLLUP_COLUMNS, rollupPosition } from "../model/rollup-columns.ts";
import type { RollupColumn } from "../model/rollup-columns.ts";
import { GRANULARITIES } from "../model/rollup-store.ts";
import type {
  GranularityDefinition,
  RollupIncrement,
  ServiceLatencyIncrement,
  ShardCommit,
} from "../model/rollup-store.ts";

/** A table of totals. Its primary key is (`idColumn`, `bucket_start`). */
export interface TotalsTable {
  readonly name: string;
  readonly idColumn: "series_id" | "service_id";
  /** Columns that tell what the id stands for; written once. */
  readonly labelColumns: readonly string[];
  /** Columns that are added to. */
  readonly valueColumns: readonly RollupColumn[];
  /** The first of `valueColumns`: those that HTTP adds to. */
  readonly httpColumns: readonly RollupColumn[];
  readonly granularity: GranularityDefinition;
}

/** A number to add: a BigInt where a number would not be exact. */
export type TotalsValue = number | bigint;

/** What a commit adds to one row of a {@link TotalsTable}. */
export interface TotalsIncrement {
  readonly id: bigint;
  /** Epoch seconds. */
  readonly bucketStart: number;
  /** By position of `labelColumns`. */
  readonly labels: readonly (string | number)[];
  /** By position of `valueColumns`; `millis` columns in milliseconds. */
  readonly values: ArrayLike<TotalsValue> & Iterable<TotalsValue>;
  readonly latency: LatencyCounts;
}

/** Additions to one table. */
export interface TableIncrements {
  readonly table: TotalsTable;
  readonly increments: readonly TotalsIncrement[];
}

const LATENCY_COLUMNS: readonly RollupColumn[] = ROLLUP_COLUMNS.filter(
  ({ name }) => name === "latency_count" || name === "latency_sum_seconds",
);

const HTTP_COLUMNS: readonly RollupColumn[] = ROLLUP_COLUMNS.slice(0, rollupPosition("latency_sum_seconds") + 1);

/** The tables of the three granularities. */
export const ROLLUP_TABLES: readonly TotalsTable[] = GRANULARITIES.map((granularity) => ({
  name: granularity.table,
  idColumn: "series_id",
  labelColumns: ["protocol"],
  valueColumns: ROLLUP_COLUMNS,
  httpColumns: HTTP_COLUMNS,
  granularity,
}));

/** The tables of merged service latencies. */
export const SERVICE_LATENCY_TABLES: readonly TotalsTable[] = GRANULARITIES.filter(({ name }) => name !== "daily").map(
  (granularity) => ({
    name: `service_latency_${granularity.name}`,
    idColumn: "service_id",
    labelColumns: ["namespace", "service", "environment", "side", "protocol", "shard"],
    valueColumns: LATENCY_COLUMNS,
    httpColumns: LATENCY_COLUMNS,
    granularity,
  }),
);

/** Every table of totals. */
export const TOTALS_TABLES: readonly TotalsTable[] = [...ROLLUP_TABLES, ...SERVICE_LATENCY_TABLES];

/**
 * A commit as additions to tables, one table after the other, those without any left out: what is made for one is garbage before the
 * next. `protocolOf` knows the protocol of every series in it.
 */
export function* tableIncrements(
  commit: ShardCommit,
  protocolOf: (id: bigint) => Protocol,
): Generator<TableIncrements> {
  for (const table of ROLLUP_TABLES) {
    const increments = commit.rollups[table.granularity.name];
    if (increments.length > 0) yield { table, increments: increments.map((one) => fromRollup(one, protocolOf)) };
  }
  for (const table of SERVICE_LATENCY_TABLES) {
    const increments = latenciesOf(commit, table);
    if (increments.length > 0) yield { table, increments: increments.map((one) => fromServiceLatency(one)) };
  }
}

/**
 * The columns that a commit writes: those of HTTP when it adds nothing to others, else all. What is left out is 0 in a
 * new row by default. No other choice: each is a statement of its own to prepare.
 */
export function columnsToWrite(
  { httpColumns, valueColumns }: TotalsTable,
  increments: readonly TotalsIncrement[],
): readonly RollupColumn[] {
  for (const { values } of increments) {
    for (let position = httpColumns.length; position < values.length; position += 1) {
      if (Number(values[position]) !== 0) return valueColumns;
    }
  }
  return httpColumns;
}

function latenciesOf(commit: ShardCommit, table: TotalsTable): readonly ServiceLatencyIncrement[] {
  return table.granularity.name === "daily" ? [] : commit.latencies[table.granularity.name];
}

function fromRollup(increment: RollupIncrement, protocolOf: (id: bigint) => Protocol): TotalsIncrement {
  return {
    id: increment.seriesId,
    bucketStart: increment.bucketStart,
    labels: [protocolOf(increment.seriesId)],
    values: increment.carry.length === 0 ? increment.values : withCarry(increment),
    latency: increment.latency,
  };
}

function withCarry({ values, carry }: RollupIncrement): readonly TotalsValue[] {
  const sums: TotalsValue[] = [...values];
  for (const [position, amount] of carry) sums[position] = addWhole(sums[position] ?? 0, amount);
  return sums;
}

/** The exact sum of two whole numbers: a BigInt where a number would not be exact. */
export function addWhole(a: TotalsValue, b: TotalsValue): TotalsValue {
  const sum = Number(a) + Number(b);
  return Number.isSafeInteger(sum) ? sum : BigInt(a) + BigInt(b);
}

function fromServiceLatency({
  key,
  bucketStart,
  count,
  sumSeconds,
  latency,
}: ServiceLatencyIncrement): TotalsIncrement {
  return {
    id: serviceLatencyId(key),
    bucketStart,
    labels: [key.namespace, key.service, key.environment, key.side, key.protocol, key.shard],
    values: Float64Array.of(count, sumSeconds),
    latency,
  };
}

/** The protocols of the series that a commit brings; what is not among them is already in `series`. */
export function protocolsInCommit(commit: ShardCommit): ReadonlyMap<bigint, Protocol> {
  return new Map(commit.series.map(({ seriesId, dimensions }) => [seriesId, dimensions.protocol]));
}

/** The ids of the series that a commit adds to, each once. */
export function seriesInCommit(commit: ShardCommit): ReadonlySet<bigint> {
  const ids = new Set<bigint>();
  for (const table of ROLLUP_TABLES) {
    for (const increment of commit.rollups[table.granularity.name]) ids.add(increment.seriesId);
  }
  return ids;
}
