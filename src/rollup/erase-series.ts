/**
 * Erasing a person from the totals, as steps of SQL that both engines run: each series' rows are added to the nameless series
 * of the same meeting, in every table, and go. Sums over the tables stay what they were.
 */
import { seriesId, type SeriesDimensions } from "../model/dimensions.ts";
import {
  erasureKey,
  withoutParticipant,
  type ErasedParticipant,
  type ErasedParticipantRow,
} from "../model/erased-participant.ts";
import { histogramFromJson } from "../model/latency-histogram.ts";
import type { RollupColumn } from "../model/rollup-columns.ts";
import { mergedHistogramJson } from "./merge-histogram.ts";
import { SERIES_COLUMNS, type SqlValue } from "./side-rows.ts";
import { idOf, type SnapshotRow } from "./totals-snapshot.ts";
import { ROLLUP_TABLES, type TotalsTable } from "./totals-table.ts";

/** One statement; `reads` says whether it answers with rows. */
export interface ErasureStep {
  readonly sql: string;
  readonly values: readonly SqlValue[];
  readonly reads: boolean;
}

/** Steps that end with a value; each is answered with its rows, none for a write. */
export type ErasureSteps<T> = Generator<ErasureStep, T, readonly SnapshotRow[]>;

/** How an engine says what the two say differently. */
export interface ErasureDialect {
  columnName(column: RollupColumn): string;
  /** Keeps commits of every shard out until the transaction ends; undefined where a transaction does so anyway. */
  readonly lockOffsets: string | undefined;
  /** What an INSERT does where the row is there; `assignments` get the name of what would have been inserted. */
  onDuplicate(
    keys: readonly string[],
    assignments: readonly (readonly [column: string, value: (inserted: string) => string])[],
  ): string;
}

/** A series that names a participant. */
export interface NamedSeries {
  readonly id: bigint;
  readonly dimensions: SeriesDimensions;
}

/** Rows of each table of rollups, by its name. */
export type RowsByTable = Readonly<Record<string, number>>;

/** Rows written by one statement. */
const MAX_ROWS = 500;

/** Notes who is erased, for the commits to come, once no commit is under way that does not know. */
export function* noteErased(
  dialect: ErasureDialect,
  erased: ErasedParticipant,
  nowSeconds: number,
): ErasureSteps<void> {
  yield* lock(dialect);
  const keep = dialect.onDuplicate(["erasure_key"], [["erasure_key", () => "erased_participants.erasure_key"]]);
  const row: ErasedParticipantRow = { erasureKey: erasureKey(erased), erasedAt: nowSeconds };
  yield write(`INSERT INTO erased_participants (erasure_key, erased_at) VALUES (?, ?) ${keep}`, [
    row.erasureKey,
    row.erasedAt,
  ]);
}

/** The series that name a participant. */
export function* findSeries({
  participantId,
  meetingId,
  namespace,
}: ErasedParticipant): ErasureSteps<readonly NamedSeries[]> {
  const wanted = [
    ["participant_id", participantId],
    ["meeting_id", meetingId],
    ["namespace", namespace],
  ].filter((one): one is [string, string] => one[1] !== undefined);
  const rows = yield read(
    `SELECT * FROM series WHERE ${wanted.map(([column]) => `${column} = ?`).join(" AND ")} ORDER BY series_id`,
    wanted.map(([, value]) => value),
  );
  const found = rows.map((row) => ({ id: idOf(row["series_id"]), dimensions: dimensionsOf(row) }));
  // MySQL finds texts with other spaces at their end, too.
  return found.filter(
    ({ dimensions }) =>
      dimensions.participantId === participantId &&
      (meetingId === undefined || dimensions.meetingId === meetingId) &&
      (namespace === undefined || dimensions.namespace === namespace),
  );
}

/** Counts the rows of a series. */
export function* countRows({ id }: NamedSeries): ErasureSteps<RowsByTable> {
  const counts: Record<string, number> = {};
  for (const { name } of ROLLUP_TABLES) {
    const rows = yield read(`SELECT COUNT(*) AS found FROM ${name} WHERE series_id = ?`, [id]);
    counts[name] = Number(rows[0]?.["found"] ?? 0);
  }
  return counts;
}

/** Erases one series; a transaction of its own. Doing it again changes nothing. */
export function* eraseSeries(dialect: ErasureDialect, { id, dimensions }: NamedSeries): ErasureSteps<RowsByTable> {
  const nameless = withoutParticipant(dimensions);
  const into = seriesId(nameless);
  yield* lock(dialect);
  const keepErased = dialect.onDuplicate(["series_id"], [["erased_into", () => "erased_series.erased_into"]]);
  yield write(`INSERT INTO erased_series (series_id, erased_into) VALUES (?, ?) ${keepErased}`, [id, into]);
  const columns = SERIES_COLUMNS.map(([column]) => column);
  const keepSeries = dialect.onDuplicate(["series_id"], [["protocol", () => "series.protocol"]]);
  yield write(
    `INSERT INTO series (series_id, ${columns.join(", ")}) VALUES (?, ${columns.map(() => "?").join(", ")}) ${keepSeries}`,
    [into, ...SERIES_COLUMNS.map(([, name]) => nameless[name])],
  );
  const moved: Record<string, number> = {};
  for (const table of ROLLUP_TABLES) moved[table.name] = yield* moveRows(dialect, table, id, into);
  yield write("DELETE FROM series WHERE series_id = ?", [id]);
  return moved;
}

function* moveRows(dialect: ErasureDialect, table: TotalsTable, from: bigint, into: bigint): ErasureSteps<number> {
  const { name } = table;
  const rows = yield read(`SELECT bucket_start, latency_histogram FROM ${name} WHERE series_id = ?`, [from]);
  if (rows.length === 0) return 0;
  const merged = yield* mergedHistograms(name, into, rows);
  const columns = table.valueColumns.map((column) => dialect.columnName(column));
  const taken = ["bucket_start", ...table.labelColumns, ...columns, "latency_histogram"];
  const sums = columns.map((column) => [column, (inserted: string) => `${name}.${column} + ${inserted}`] as const);
  yield write(
    `INSERT INTO ${name} (series_id, ${taken.join(", ")})
     SELECT ?, ${taken.map((column) => `named.${column}`).join(", ")} FROM ${name} AS named WHERE named.series_id = ?
     ${dialect.onDuplicate(["series_id", "bucket_start"], sums)}`,
    [into, from],
  );
  yield* storeHistograms(dialect, name, into, merged);
  yield write(`DELETE FROM ${name} WHERE series_id = ?`, [from]);
  return rows.length;
}

/** What the histograms become of buckets that both series have. */
function* mergedHistograms(
  table: string,
  into: bigint,
  rows: readonly SnapshotRow[],
): ErasureSteps<readonly (readonly [bucketStart: number, histogram: string])[]> {
  const there = yield read(`SELECT bucket_start, latency_histogram FROM ${table} WHERE series_id = ?`, [into]);
  const stored = new Map(there.map((row) => [Number(row["bucket_start"]), String(row["latency_histogram"])]));
  const merged: [number, string][] = [];
  for (const row of rows) {
    const bucketStart = Number(row["bucket_start"]);
    const histogram = stored.get(bucketStart);
    const added = histogramFromJson(String(row["latency_histogram"]));
    if (histogram !== undefined && added.size > 0) merged.push([bucketStart, mergedHistogramJson(histogram, added)]);
  }
  return merged;
}

function* storeHistograms(
  dialect: ErasureDialect,
  table: string,
  id: bigint,
  merged: readonly (readonly [bucketStart: number, histogram: string])[],
): ErasureSteps<void> {
  const replace = dialect.onDuplicate(["series_id", "bucket_start"], [["latency_histogram", (inserted) => inserted]]);
  for (let start = 0; start < merged.length; start += MAX_ROWS) {
    const chunk = merged.slice(start, start + MAX_ROWS);
    yield write(
      `INSERT INTO ${table} (series_id, bucket_start, protocol, latency_histogram)
       VALUES ${chunk.map(() => "(?, ?, '', ?)").join(", ")} ${replace}`,
      chunk.flatMap(([bucketStart, histogram]) => [id, bucketStart, histogram]),
    );
  }
}

function* lock({ lockOffsets }: ErasureDialect): ErasureSteps<void> {
  if (lockOffsets !== undefined) yield read(lockOffsets, []);
}

function read(sql: string, values: readonly SqlValue[]): ErasureStep {
  return { sql, values, reads: true };
}

function write(sql: string, values: readonly SqlValue[]): ErasureStep {
  return { sql, values, reads: false };
}

function dimensionsOf(row: SnapshotRow): SeriesDimensions {
  const entries = SERIES_COLUMNS.map(([column, name]) => {
    const value = row[column];
    return [name, name === "statusCode" ? Number(value) : String(value)] as const;
  });
  return Object.fromEntries(entries) as unknown as SeriesDimensions;
}
