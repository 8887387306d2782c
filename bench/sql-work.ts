/** What an SQL server has written so far, by its own counters. */
import type { Connection, RowDataPacket } from "mysql2/promise";

/** Counts since the server started. */
export interface SqlWork {
  /** Statements that write. */
  readonly writeStatements: number;
  /** Rows inserted, updated and deleted. */
  readonly rows: number;
  /** Bytes written to the redo log. */
  readonly redoBytes: number;
}

const STATEMENTS = ["Com_insert", "Com_insert_select", "Com_update", "Com_delete", "Com_replace"];
const ROWS = ["Handler_write", "Handler_update", "Handler_delete"];
const REDO = ["Innodb_os_log_written"];

/** Asks the server. */
export async function sqlWork(connection: Connection): Promise<SqlWork> {
  const query = "SHOW GLOBAL STATUS WHERE Variable_name IN (?)";
  const [rows] = await connection.query<RowDataPacket[]>(query, [[...STATEMENTS, ...ROWS, ...REDO]]);
  const values = new Map(rows.map((row) => [String(row["Variable_name"]).toLowerCase(), Number(row["Value"])]));
  const sum = (names: readonly string[]): number =>
    names.reduce((total, name) => total + (values.get(name.toLowerCase()) ?? 0), 0);
  return { writeStatements: sum(STATEMENTS), rows: sum(ROWS), redoBytes: sum(REDO) };
}
