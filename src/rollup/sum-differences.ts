/**
 * Checks that shorter buckets add up to longer ones: minutes to hours, hours to days, row by row and column by column. SQL adds
 * up, a range of ids at a time; what is compared here is a row a longer bucket, so memory is bounded whatever the tables hold.
 */
import { histogramFromJson, mergeHistogram, type LatencyHistogram } from "../model/latency-histogram.ts";
import type { RollupColumn } from "../model/rollup-columns.ts";
import { idOf, type SnapshotRow, type TotalsSnapshot } from "./totals-snapshot.ts";
import { ROLLUP_TABLES, SERVICE_LATENCY_TABLES, type TotalsTable } from "./totals-table.ts";

/** Two tables of which one counts the same in longer buckets. */
export interface TablePair {
  readonly finer: TotalsTable;
  readonly coarser: TotalsTable;
}

/** The pairs of the rollups: minutes and hours, hours and days. */
export const ROLLUP_PAIRS: readonly TablePair[] = [
  { finer: ROLLUP_TABLES[0]!, coarser: ROLLUP_TABLES[1]! },
  { finer: ROLLUP_TABLES[1]!, coarser: ROLLUP_TABLES[2]! },
];

/** The pair of the service latencies. */
export const SERVICE_LATENCY_PAIR: TablePair = {
  finer: SERVICE_LATENCY_TABLES[0]!,
  coarser: SERVICE_LATENCY_TABLES[1]!,
};

/** A longer bucket that its shorter ones do not add up to. */
export interface SumDifference {
  readonly id: bigint;
  /** Of the longer bucket, epoch seconds. */
  readonly bucketStart: number;
  /** The columns that differ: what the shorter buckets add up to, and what the longer one says; "no row" for none. */
  readonly columns: readonly { readonly name: string; readonly finer: string; readonly coarser: string }[];
}

/** What a comparison of two tables found. */
export interface SumComparison {
  /** Longer buckets that were compared. */
  readonly compared: number;
  /** Those that differ. */
  readonly differing: number;
  /** The first of them, by id and time. */
  readonly first: readonly SumDifference[];
}

/** Longer buckets read at a time. */
const MAX_ROWS = 1000;

/** Ids asked for at a time, at first and at most. */
const FIRST_IDS = 16;
const MAX_IDS = 4096;

/** How far sums of doubles that were added in another order may lie apart. */
const RELATIVE_TOLERANCE = 1e-9;

/** What clocks may differ by between here and where old rows are deleted, seconds. */
const RETENTION_MARGIN_SECONDS = 3600;

/** The first longer bucket of which no shorter one can have been deleted for its age, epoch seconds. */
export function firstWholeBucket({ finer, coarser }: TablePair, nowSeconds: number): number {
  const { keptSeconds } = finer.granularity;
  const { bucketSeconds } = coarser.granularity;
  return Math.ceil((nowSeconds - keptSeconds + RETENTION_MARGIN_SECONDS) / bucketSeconds) * bucketSeconds;
}

/** Compares two tables from a longer bucket on; keeps the first `maxKept` differences. Rejects with what the engine reports. */
export async function compareSums(
  snapshot: TotalsSnapshot,
  pair: TablePair,
  fromSeconds: number,
  maxKept: number,
): Promise<SumComparison> {
  const result = { compared: 0, differing: 0, first: [] as SumDifference[] };
  let from = -(2n ** 63n);
  let ids = FIRST_IDS;
  for (;;) {
    const until = await idAfter(snapshot, pair, from, ids);
    const range: Range = { from, until, ids, fromSeconds };
    const [finer, coarser] = [await sums(snapshot, pair, range), await longer(snapshot, pair, range)];
    if (Math.max(finer.length, coarser.length) > MAX_ROWS && ids > 1) {
      ids = Math.max(1, ids >> 1);
      continue;
    }
    for (const difference of differences(snapshot, pair, finer, coarser, () => (result.compared += 1))) {
      result.differing += 1;
      if (result.first.length < maxKept) result.first.push(difference);
    }
    if (until === undefined) return result;
    from = until;
    if (Math.max(finer.length, coarser.length) * 2 < MAX_ROWS) ids = Math.min(MAX_IDS, ids * 2);
  }
}

/** Ids from `from` up to before `until`, or to the end; longer buckets that start at `fromSeconds` or later. */
interface Range {
  readonly from: bigint;
  readonly until: bigint | undefined;
  /** How many known ids that are; rows of others lie between them only where `series` has lost some. */
  readonly ids: number;
  readonly fromSeconds: number;
}

async function idAfter(
  snapshot: TotalsSnapshot,
  { coarser: { idColumn, name } }: TablePair,
  from: bigint,
  ids: number,
): Promise<bigint | undefined> {
  const source = idColumn === "series_id" ? "series" : name;
  const rows = await snapshot.rows(
    `SELECT DISTINCT ${idColumn} AS id FROM ${source} WHERE ${idColumn} >= ? ORDER BY ${idColumn} LIMIT 1 OFFSET ${ids}`,
    [from],
  );
  return rows[0] === undefined ? undefined : idOf(rows[0]["id"]);
}

function where({ idColumn }: TotalsTable, { from, until, fromSeconds }: Range): readonly [string, readonly bigint[]] {
  const condition = `${idColumn} >= ? AND bucket_start >= ?`;
  const values = [from, BigInt(fromSeconds)];
  return until === undefined ? [condition, values] : [`${condition} AND ${idColumn} < ?`, [...values, until]];
}

/** A row for each longer bucket, made of its shorter ones. One row more than may be, when there are too many. */
async function sums(
  snapshot: TotalsSnapshot,
  { finer, coarser }: TablePair,
  range: Range,
): Promise<readonly SnapshotRow[]> {
  const columns = finer.valueColumns.map((column) => snapshot.columnName(column));
  const [condition, values] = where(finer, range);
  const limit = range.ids > 1 ? `LIMIT ${MAX_ROWS + 1}` : "";
  const bucket = `bucket_start - bucket_start % ${coarser.granularity.bucketSeconds}`;
  return await snapshot.rows(
    `SELECT ${finer.idColumn} AS id, ${bucket} AS bucket, ${columns.map((name) => `SUM(${name}) AS ${name}`).join(", ")},
       GROUP_CONCAT(latency_histogram) AS histograms
     FROM ${finer.name} WHERE ${condition} GROUP BY ${finer.idColumn}, ${bucket} ${limit}`,
    values,
  );
}

async function longer(snapshot: TotalsSnapshot, { coarser }: TablePair, range: Range): Promise<readonly SnapshotRow[]> {
  const columns = coarser.valueColumns.map((column) => snapshot.columnName(column));
  const [condition, values] = where(coarser, range);
  const limit = range.ids > 1 ? `LIMIT ${MAX_ROWS + 1}` : "";
  return await snapshot.rows(
    `SELECT ${coarser.idColumn} AS id, bucket_start AS bucket, ${columns.join(", ")}, latency_histogram AS histograms
     FROM ${coarser.name} WHERE ${condition} ${limit}`,
    values,
  );
}

function* differences(
  snapshot: TotalsSnapshot,
  { coarser: { valueColumns } }: TablePair,
  finerRows: readonly SnapshotRow[],
  coarserRows: readonly SnapshotRow[],
  compared: () => void,
): Iterable<SumDifference> {
  const columns = valueColumns.map((column) => ({ column, name: snapshot.columnName(column) }));
  const coarserByKey = new Map(coarserRows.map((row) => [keyOf(row), row]));
  const keys = new Set([...finerRows.map(keyOf), ...coarserByKey.keys()]);
  const finerByKey = new Map(finerRows.map((row) => [keyOf(row), row]));
  for (const key of keys) {
    compared();
    const [finer, coarser] = [finerByKey.get(key), coarserByKey.get(key)];
    const differing = columns
      .filter(({ column, name }) => !isSame(column, finer?.[name] ?? 0, coarser?.[name] ?? 0))
      .map(({ name }) => ({ name, finer: shown(finer, name), coarser: shown(coarser, name) }));
    const histogram = histogramDifference(finer, coarser);
    if (histogram !== undefined) differing.push(histogram);
    if (differing.length === 0) continue;
    const row = (finer ?? coarser)!;
    yield { id: idOf(row["id"]), bucketStart: Number(row["bucket"]), columns: differing };
  }
}

function keyOf(row: SnapshotRow): string {
  return `${String(row["id"])} ${String(row["bucket"])}`;
}

function shown(row: SnapshotRow | undefined, name: string): string {
  return row === undefined ? "no row" : String(row[name]);
}

function isSame({ kind }: RollupColumn, finer: unknown, coarser: unknown): boolean {
  const [a, b] = [String(finer), String(coarser)];
  if (a === b) return true;
  if (kind === "count") return BigInt(a) === BigInt(b);
  // Decimals have three places, or are the number 0 of a row that is not there.
  if (kind === "millis") return (a === "0" || b === "0") && Number(a) === Number(b);
  return Math.abs(Number(a) - Number(b)) <= RELATIVE_TOLERANCE * Math.max(Math.abs(Number(a)), Math.abs(Number(b)));
}

function histogramDifference(
  finer: SnapshotRow | undefined,
  coarser: SnapshotRow | undefined,
): SumDifference["columns"][number] | undefined {
  const [a, b] = [finer?.["histograms"] ?? "[]", coarser?.["histograms"] ?? "[]"].map(String) as [string, string];
  if (a === b) return undefined;
  const merged: LatencyHistogram = new Map();
  for (const histogram of JSON.parse(`[${a}]`) as [number, number][][]) mergeHistogram(merged, histogram);
  const expected = histogramFromJson(b);
  const indices = [...new Set([...merged.keys(), ...expected.keys()])];
  const wrong = indices.filter((index) => (merged.get(index) ?? 0) !== (expected.get(index) ?? 0));
  if (wrong.length === 0) return undefined;
  const [index] = wrong.sort((left, right) => left - right);
  const bucket = (histogram: LatencyHistogram): string => `${histogram.get(index!) ?? 0} in bucket ${index}`;
  return {
    name: "latency_histogram",
    finer: finer === undefined ? "no row" : bucket(merged),
    coarser: coarser === undefined ? "no row" : bucket(expected),
  };
}
