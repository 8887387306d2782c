/**
 * One commit on SQLite: offset first, then totals and everything beside them, in one transaction.
 */
import type { Protocol } from "../model/dimensions.ts";
import type { RollupColumn } from "../model/rollup-columns.ts";
import type { QuarantineRow, ShardCommit } from "../model/rollup-store.ts";
import { foldIncrements } from "./fold-increments.ts";
import { EMPTY_HISTOGRAM_JSON, mergedHistogramJson } from "./merge-histogram.ts";
import { quarantineThatFits } from "./quarantine-room.ts";
import { SIDE_TABLES } from "./side-rows.ts";
import { slotFilter } from "./slot-filter.ts";
import type { SideTable } from "./side-rows.ts";
import type { SqliteErasures } from "./sqlite-erasures.ts";
import type { SqliteSession } from "./sqlite-session.ts";
import { isVast, limitedColumns, NEARLY_FULL, touchedTables, withinRange } from "./total-range.ts";
import type { NearlyFullRow, NearlyFullRows } from "./total-range.ts";
import { columnsToWrite, protocolsInCommit, tableIncrements } from "./totals-table.ts";
import type { TableIncrements, TotalsIncrement, TotalsTable } from "./totals-table.ts";

/** The name under which SQLite stores a column: seconds with decimals are whole milliseconds there. */
export function sqliteColumn({ name, kind }: RollupColumn): string {
  return kind === "millis" ? name.replace(/_seconds$/, "_millis") : name;
}

/** What SQLite reports of a whole number that became a float: of a sum that does not fit 64 bits. */
const SQLITE_CONSTRAINT_DATATYPE = 3091;

/**
 * Writes a commit, without what would carry a total past 64 bits, which goes to quarantine. False, with nothing written, when
 * the shard's offset is elsewhere. Throws, with nothing written, on any error.
 */
export function writeSqliteCommit(session: SqliteSession, erasures: SqliteErasures, commit: ShardCommit): boolean {
  const write = (fitted: (anonymous: ShardCommit) => ShardCommit): boolean =>
    session.transaction(() => {
      if (!advanceOffset(session, commit)) return false;
      return writeAll(session, fitted(erasures.applied(session, commit)));
    });
  const writeWithinRange = (): boolean =>
    write((anonymous) => withinRange(anonymous, nearlyFullRows(session, anonymous)));
  if (isVast(commit)) return writeWithinRange();
  try {
    return write((anonymous) => anonymous);
  } catch (error) {
    if (!isOutOfRange(error)) throw error;
    return writeWithinRange();
  }
}

function isOutOfRange(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === SQLITE_CONSTRAINT_DATATYPE;
}

function nearlyFullRows(session: SqliteSession, commit: ShardCommit): NearlyFullRows {
  const found = new Map<string, readonly NearlyFullRow[]>();
  for (const { table, from, to } of touchedTables(commit)) {
    const columns = limitedColumns(table).map(([, position]) => sqliteColumn(table.valueColumns[position]!));
    const rows = session.all(
      `SELECT * FROM ${table.name} WHERE bucket_start BETWEEN ? AND ?
       AND (${columns.map((column) => `${column} > ${NEARLY_FULL}`).join(" OR ")})`,
      [from, to],
    );
    found.set(
      table.name,
      rows.map((row) => ({
        id: row[table.idColumn] as bigint,
        bucketStart: Number(row["bucket_start"]),
        values: table.valueColumns.map((column) =>
          column.kind === "seconds" ? 0n : (row[sqliteColumn(column)] as bigint),
        ),
      })),
    );
  }
  return found;
}

function writeAll(session: SqliteSession, whole: ShardCommit): boolean {
  const commit = { ...whole, quarantine: roomyQuarantine(session, whole) };
  for (const table of SIDE_TABLES) writeSideTable(session, table, commit);
  for (const increments of tableIncrements(commit, protocolLookup(session, commit))) addTotals(session, increments);
  session.run(`DELETE FROM ingest_ledger WHERE ${slotFilter(commit)} AND received_at < ?`, [
    commit.ledgerExpiredBefore,
  ]);
  return true;
}

function roomyQuarantine(session: SqliteSession, { shard, quarantine }: ShardCommit): readonly QuarantineRow[] {
  if (quarantine.length === 0) return quarantine;
  const held = session.get(
    "SELECT COUNT(*) AS held, COALESCE(SUM(LENGTH(payload)), 0) AS bytes FROM ingest_quarantine WHERE shard = ?",
    [shard],
  );
  return quarantineThatFits(quarantine, { rows: Number(held?.["held"]), bytes: Number(held?.["bytes"]) });
}

function advanceOffset(session: SqliteSession, { shard, offset, persistedAt }: ShardCommit): boolean {
  const commits = offset.commits === undefined ? [] : [offset.commits];
  const changed = session.run(
    `UPDATE ingest_offset SET last_id = ?, persisted_at = ?, commits = commits + 1
     WHERE shard = ? AND generation = ? AND last_id = ?${commits.length > 0 ? " AND commits = ?" : ""}`,
    [offset.toId, persistedAt, shard, offset.generation, offset.fromId, ...commits],
  );
  return changed === 1;
}

function writeSideTable(session: SqliteSession, table: SideTable, commit: ShardCommit): void {
  const columns = [...table.keyColumns, ...table.valueColumns];
  const sql = `INSERT INTO ${table.name} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})
    ON CONFLICT (${table.keyColumns.join(", ")}) DO ${onConflict(table)}`;
  for (const row of table.rowsOf(commit)) session.run(sql, row);
}

function onConflict({ onDuplicate, valueColumns }: SideTable): string {
  if (onDuplicate === "keep") return "NOTHING";
  const added = (column: string): string =>
    onDuplicate === "add" ? `${column} + excluded.${column}` : `excluded.${column}`;
  return `UPDATE SET ${valueColumns.map((column) => `${column} = ${added(column)}`).join(", ")}`;
}

function protocolLookup(session: SqliteSession, commit: ShardCommit): (id: bigint) => Protocol {
  const known = new Map(protocolsInCommit(commit));
  return (id) => {
    let protocol = known.get(id);
    if (protocol === undefined) {
      const row = session.get("SELECT protocol FROM series WHERE series_id = ?", [id]);
      if (row === undefined) throw new Error(`no series row was ever written for ${id}`);
      protocol = row["protocol"] as Protocol;
      known.set(id, protocol);
    }
    return protocol;
  };
}

function addTotals(session: SqliteSession, { table, increments }: TableIncrements): void {
  const select = `SELECT latency_histogram FROM ${table.name} WHERE ${table.idColumn} = ? AND bucket_start = ?`;
  const folded = foldIncrements(table, increments);
  const columns = columnsToWrite(table, folded);
  const insert = insertTotals(table, columns);
  for (const increment of folded) {
    const stored = session.get(select, [increment.id, increment.bucketStart])?.["latency_histogram"];
    const json = typeof stored === "string" ? stored : EMPTY_HISTOGRAM_JSON;
    session.run(insert, bindings(increment, columns.length, mergedHistogramJson(json, increment.latency)));
  }
}

// Added in SQL: STRICT tables refuse a sum that does not fit a 64-bit integer instead of making it a float.
function insertTotals(table: TotalsTable, valueColumns: readonly RollupColumn[]): string {
  const values = valueColumns.map((column) => sqliteColumn(column));
  const columns = [table.idColumn, "bucket_start", ...table.labelColumns, ...values, "latency_histogram"];
  const sums = values.map((column) => `${column} = ${column} + excluded.${column}`);
  return `INSERT INTO ${table.name} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})
    ON CONFLICT (${table.idColumn}, bucket_start) DO UPDATE SET
    ${[...sums, "latency_histogram = excluded.latency_histogram"].join(", ")}`;
}

function bindings(
  { id, bucketStart, labels, values }: TotalsIncrement,
  columnCount: number,
  histogram: string,
): (string | number | bigint)[] {
  const bound: (string | number | bigint)[] = [id, bucketStart, ...labels];
  for (let position = 0; position < columnCount; position += 1) bound.push(values[position] ?? 0);
  bound.push(histogram);
  return bound;
}
