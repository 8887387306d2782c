/**
 * Adding to the tables of totals on MySQL and MariaDB: the stored histograms are read, numbers are added by SQL.
 */
import type { RollupColumn } from "../model/rollup-columns.ts";
import { foldIncrements } from "./fold-increments.ts";
import { EMPTY_HISTOGRAM_JSON, mergedHistogramJson } from "./merge-histogram.ts";
import { MAX_KEYS_PER_SELECT, MAX_ROWS_PER_INSERT, paddedChunks } from "./mysql-chunks.ts";
import type { MysqlSession } from "./mysql-session.ts";
import type { SqlValue } from "./side-rows.ts";
import { columnsToWrite } from "./totals-table.ts";
import type { TableIncrements, TotalsIncrement, TotalsTable, TotalsValue } from "./totals-table.ts";

/** Adds increments to their table, inside the caller's transaction. */
export async function addMysqlTotals(session: MysqlSession, { table, increments }: TableIncrements): Promise<void> {
  const folded = foldIncrements(table, increments);
  const columns = columnsToWrite(table, folded);
  const rowsInPart = MAX_ROWS_PER_INSERT * new Set(folded.map(({ bucketStart }) => bucketStart)).size;
  for (let from = 0; from < folded.length; from += rowsInPart) {
    await addPart(session, table, columns, folded.slice(from, from + rowsInPart));
  }
}

// By the part: the texts of a whole table would be many megabytes. It has as many rows as keep the reads of each bucket large.
async function addPart(
  session: MysqlSession,
  table: TotalsTable,
  columns: readonly RollupColumn[],
  part: readonly TotalsIncrement[],
): Promise<void> {
  const stored = await storedHistograms(session, table, part);
  for (const chunk of paddedChunks(part, MAX_ROWS_PER_INSERT, addingNothing)) {
    const rows = insertValues(columns, chunk, (increment) => {
      const json = stored.get(increment.bucketStart)?.get(String(increment.id)) ?? EMPTY_HISTOGRAM_JSON;
      return mergedHistogramJson(json, increment.latency);
    });
    await session.run(insertStatement(table, columns, chunk.length), rows);
  }
}

/** The exact decimal text of a number of milliseconds, in seconds. */
export function secondsDecimal(millis: TotalsValue): string {
  const digits = String(millis).padStart(4, "0");
  return `${digits.slice(0, -3)}.${digits.slice(-3)}`;
}

/** What a padding row adds: the column's own zero. Its histogram is that of the row it repeats. */
const NOTHING = new Float64Array();

/** The stored text by bucket, then by id. */
type StoredHistograms = ReadonlyMap<number, ReadonlyMap<string, string>>;

function addingNothing(increment: TotalsIncrement): TotalsIncrement {
  return { ...increment, values: NOTHING };
}

// By bucket, not by pairs: both servers then read one partition by ranges of its primary key.
async function storedHistograms(
  session: MysqlSession,
  table: TotalsTable,
  increments: readonly TotalsIncrement[],
): Promise<StoredHistograms> {
  const stored = new Map<number, Map<string, string>>();
  const byBucket = Map.groupBy(increments, ({ bucketStart }) => bucketStart);
  for (const [bucketStart, group] of [...byBucket].sort(([a], [b]) => a - b)) {
    const ids = group.map(({ id }) => id);
    const histograms = new Map<string, string>();
    stored.set(bucketStart, histograms);
    for (const chunk of paddedChunks(ids, MAX_KEYS_PER_SELECT, (id) => id)) {
      const rows = await session.rows(
        `SELECT ${table.idColumn} AS id, latency_histogram FROM ${table.name}
         WHERE bucket_start = ? AND ${table.idColumn} IN (${placeholders(chunk.length)})`,
        [bucketStart, ...chunk],
      );
      for (const row of rows) histograms.set(String(row["id"]), String(row["latency_histogram"]));
    }
  }
  return stored;
}

// The sums are made by SQL: BIGINT and DECIMAL are exact there, and a sum that does not fit is an error.
function insertStatement(
  { name, idColumn, labelColumns }: TotalsTable,
  valueColumns: readonly RollupColumn[],
  rowCount: number,
): string {
  const values = valueColumns.map((column) => column.name);
  const columns = [idColumn, "bucket_start", ...labelColumns, ...values, "latency_histogram"];
  const row = `(${placeholders(columns.length)})`;
  const sums = values.map((column) => `${column} = ${column} + VALUES(${column})`);
  return `INSERT INTO ${name} (${columns.join(", ")}) VALUES ${Array(rowCount).fill(row).join(", ")}
    ON DUPLICATE KEY UPDATE ${[...sums, "latency_histogram = VALUES(latency_histogram)"].join(", ")}`;
}

function insertValues(
  valueColumns: readonly RollupColumn[],
  increments: readonly TotalsIncrement[],
  histogramOf: (increment: TotalsIncrement) => string,
): SqlValue[] {
  const values: SqlValue[] = [];
  const kinds = valueColumns.map(({ kind }) => kind);
  for (const increment of increments) {
    values.push(increment.id, increment.bucketStart);
    for (const label of increment.labels) values.push(label);
    for (let position = 0; position < kinds.length; position += 1) {
      const value = increment.values[position] ?? 0;
      values.push(kinds[position] === "millis" && value !== 0 ? secondsDecimal(value) : value);
    }
    values.push(histogramOf(increment));
  }
  return values;
}

/** `?, ?, …`, `count` times. */
export function placeholders(count: number): string {
  return Array(count).fill("?").join(", ");
}
