/**
 * A snapshot of the embedded totals: one read transaction, which a running receiver neither waits for nor disturbs. Until it
 * ends SQLite cannot shorten its write-ahead log.
 */
import { existsSync, statSync } from "node:fs";
import { messageOf, retryable, success, type Result } from "../model/result.ts";
import { sqliteColumn } from "./sqlite-commit.ts";
import { isOpenElsewhere, openSqliteReadOnly } from "./sqlite-read-only.ts";
import type { TotalsSnapshot } from "./totals-snapshot.ts";

/** Tries to read a file that nobody had open while a receiver starts or ends. */
const MAX_ATTEMPTS = 3;

/** Gives `work` a snapshot of the file. Retryable `unavailable` when there is none, or it cannot be read. */
export async function withSqliteSnapshot<T>(
  file: string,
  work: (snapshot: TotalsSnapshot) => Promise<T>,
): Promise<Result<T>> {
  if (!existsSync(file)) return retryable("unavailable", `there is no ${file}: set DATA_DIR to the receiver's`);
  try {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const before = stateOf(file);
      const value = await readOnce(file, work);
      // A file that nobody had open was read without locks: what changed meanwhile may have been read half.
      if (before.isOpen || stateOf(file).text === before.text) return success(value);
    }
    return retryable("unavailable", `${file} changed whenever it was read: try again`);
  } catch (error) {
    return retryable("unavailable", `${file} cannot be read: ${messageOf(error)}`);
  }
}

async function readOnce<T>(file: string, work: (snapshot: TotalsSnapshot) => Promise<T>): Promise<T> {
  const database = openSqliteReadOnly(file);
  try {
    database.exec("PRAGMA busy_timeout = 5000; BEGIN");
    return await work({
      rows: async (sql, values = []) => {
        const statement = database.prepare(sql);
        statement.setReadBigInts(true);
        return statement.all(...values);
      },
      columnName: sqliteColumn,
    });
  } finally {
    database.close();
  }
}

function stateOf(file: string): { readonly isOpen: boolean; readonly text: string } {
  const { mtimeMs, size } = statSync(file);
  const isOpen = isOpenElsewhere(file);
  return { isOpen, text: `${mtimeMs} ${size} ${isOpen}` };
}
