/**
 * Opens the SQLite file of the totals without changing anything, not even by the files SQLite keeps beside it.
 */
import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";

/** Opens a file that exists. Throws what SQLite reports. */
export function openSqliteReadOnly(file: string): DatabaseSync {
  const address = pathToFileURL(file);
  // A file that nobody has open is read as it is; else SQLite would make its files beside it and leave them.
  if (!isOpenElsewhere(file)) address.searchParams.set("immutable", "1");
  return new DatabaseSync(address, { readOnly: true });
}

/** Whether a process has the file open, or left it without closing it. */
export function isOpenElsewhere(file: string): boolean {
  return existsSync(`${file}-wal`);
}
