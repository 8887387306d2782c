/**
 * The SQLite file of the totals as something to migrate: one exclusive transaction, so a failed migration leaves nothing.
 */
import { systemClock } from "../model/clock.ts";
import type { Clock } from "../model/clock.ts";
import { messageOf } from "../model/result.ts";
import type { MigrationDatabase, MigrationSession } from "./migrate.ts";
import { SCHEMA_MIGRATIONS_TABLE } from "./migrate.ts";
import { loadMigrations } from "./migration.ts";
import type { Migration } from "./migration.ts";
import { SqliteSession } from "./sqlite-session.ts";

/** Where the file is, and how long another process's migration is waited for. */
export interface SqliteMigrationOptions {
  readonly file: string;
  /** Milliseconds. Default 30,000. */
  readonly lockTimeoutMillis?: number;
  readonly clock?: Clock;
  /** Default: those of this package. */
  readonly migrations?: readonly Migration[];
}

/** How often another process's migration is looked after, milliseconds. */
const LOCK_RETRY_MILLIS = 50;

/** The file's migrations. Nothing is opened until they run. */
export function sqliteMigrationDatabase(options: SqliteMigrationOptions): MigrationDatabase {
  return {
    migrations: options.migrations ?? loadMigrations("sqlite"),
    async exclusively(work) {
      const session = await lockedSession(options);
      try {
        const result = await work(migrationSession(session));
        session.exec("COMMIT");
        return result;
      } finally {
        // Closing rolls back what was not committed.
        session.close();
      }
    },
  };
}

// Tried again and again, not waited for: SQLite would block this process, whose other half may hold the lock.
async function lockedSession(options: SqliteMigrationOptions): Promise<SqliteSession> {
  const { file, lockTimeoutMillis = 30_000, clock = systemClock } = options;
  const deadline = clock.monotonicMillis() + lockTimeoutMillis;
  for (;;) {
    try {
      return lockNow(file);
    } catch (error) {
      if (!/locked|busy/i.test(messageOf(error)) || clock.monotonicMillis() >= deadline) throw error;
    }
    await new Promise<void>((resolve) => {
      clock.after(LOCK_RETRY_MILLIS, resolve);
    });
  }
}

function lockNow(file: string): SqliteSession {
  const session = new SqliteSession({ file, busyTimeoutMillis: 0 });
  try {
    session.exec("BEGIN EXCLUSIVE");
    return session;
  } catch (error) {
    session.close();
    throw error;
  }
}

function migrationSession(session: SqliteSession): MigrationSession {
  return {
    async execute(sql) {
      session.exec(sql);
    },
    async hasTable(name) {
      return session.get("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", [name]) !== undefined;
    },
    async hasIndex(table, index) {
      const sql = "SELECT 1 FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND name = ?";
      return session.get(sql, [table, index]) !== undefined;
    },
    async hasColumn(table, column) {
      return session.get("SELECT 1 FROM pragma_table_info(?) WHERE name = ?", [table, column]) !== undefined;
    },
    async applied() {
      session.exec(SCHEMA_MIGRATIONS_TABLE);
      return session.all("SELECT * FROM schema_migrations ORDER BY version", []).map((row) => ({
        version: Number(row["version"]),
        name: String(row["name"]),
        checksum: String(row["checksum"]),
        appliedAt: Number(row["applied_at"]),
      }));
    },
    async record({ version, name, checksum, appliedAt }) {
      session.run("INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES (?, ?, ?, ?)", [
        version,
        name,
        checksum,
        appliedAt,
      ]);
    },
    async forget(version) {
      session.run("DELETE FROM schema_migrations WHERE version = ?", [version]);
    },
  };
}
