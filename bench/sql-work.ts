/** What an SQL server has written so far, by its own counters. */
import type { Connection, RowDataPacket } from "mysql2/promise";

/** Counts since the server started. */
export interface SqlWork {
  /** Statements that write. */
  readonly writeStatements: number;
  /** Rows inserted, updated and deleted; 0 unless the server was started with `userstat`. */
  readonly rows: number;
  /** Bytes written to the redo log. */
  readonly redoBytes: number;
}

const STATEMENTS = ["Com_insert", "Com_insert_select", "Com_update", "Com_delete", "Com_replace"];
const REDO = ["Innodb_os_log_written"];

/** Asks the server. */
export async function sqlWork(connection: Connection): Promise<SqlWork> {
  const [status] = await connection.query<RowDataPacket[]>(
    "SELECT variable_name AS name, variable_value AS value FROM information_schema.global_status WHERE variable_name IN (?)",
    [[...STATEMENTS, ...REDO]],
  );
  // Empty unless the server was started with `userstat`.
  const [changed] = await connection.query<RowDataPacket[]>(
    "SELECT 'rows' AS name, SUM(rows_changed) AS value FROM information_schema.table_statistics WHERE table_schema = DATABASE()",
  );
  const values = new Map(
    [...status, ...changed].map((row) => [String(row["name"]).toLowerCase(), Number(row["value"])]),
  );
  const sum = (names: readonly string[]): number =>
    names.reduce((total, name) => total + (values.get(name.toLowerCase()) ?? 0), 0);
  return { writeStatements: sum(STATEMENTS), rows: sum(["rows"]), redoBytes: sum(REDO) };
}
