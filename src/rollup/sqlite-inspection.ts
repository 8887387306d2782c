/**
 * Looks at the SQLite file of the totals without changing anything, not even by the files SQLite keeps beside it.
 */
import { existsSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { messageOf, retryable, success } from "../model/result.ts";
import type { Result } from "../model/result.ts";
import type { AppliedMigration } from "./migrate.ts";
import { openSqliteReadOnly } from "./sqlite-read-only.ts";

/** The migrations that ran; none where there is no file. Retryable `unavailable` when the file cannot be read. */
export function appliedSqliteMigrations(file: string): Result<readonly AppliedMigration[]> {
  if (!existsSync(file)) return success([]);
  let database: DatabaseSync | undefined;
  try {
    database = openSqliteReadOnly(file);
    return success(read(database));
  } catch (error) {
    return retryable("unavailable", `${file} cannot be read: ${messageOf(error)}`);
  } finally {
    database?.close();
  }
}

function read(database: DatabaseSync): readonly AppliedMigration[] {
  const table = database.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_migrations'");
  if (table.get() === undefined) return [];
  const rows = database
    .prepare("SELECT version, name, checksum, applied_at FROM schema_migrations ORDER BY version")
    .all();
  return rows.map((row) => ({
    version: Number(row["version"]),
    name: String(row["name"]),
    checksum: String(row["checksum"]),
    appliedAt: Number(row["applied_at"]),
  }));
}
