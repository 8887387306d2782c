/**
 * A MySQL or MariaDB database as something to migrate. Schema changes there end transactions: every statement of a
 * migration can be run again, and the migration is recorded after its last.
 */
import type { MigrationDatabase, MigrationSession } from "./migrate.ts";
import { SCHEMA_MIGRATIONS_TABLE } from "./migrate.ts";
import { loadMigrations } from "./migration.ts";
import type { Migration } from "./migration.ts";
import { MysqlDatabase } from "./mysql-database.ts";
import type { MysqlOptions } from "./mysql-database.ts";
import { withMysqlLock } from "./mysql-lock.ts";
import type { MysqlSession } from "./mysql-session.ts";

/** Where the database is, and how long another process's migration is waited for. */
export interface MysqlMigrationOptions extends MysqlOptions {
  /** Seconds. Default 60. */
  readonly lockTimeoutSeconds?: number;
  /** Default: those of this package. */
  readonly migrations?: readonly Migration[];
}

/** A schema change may copy rows: it gets longer than other statements, milliseconds. */
const SCHEMA_CHANGE_TIMEOUT_MILLIS = 300_000;

/** The database's migrations. Nothing is connected until they run. */
export function mysqlMigrationDatabase(options: MysqlMigrationOptions): MigrationDatabase {
  const lockTimeoutSeconds = options.lockTimeoutSeconds ?? 60;
  return {
    migrations: options.migrations ?? loadMigrations("mysql"),
    async exclusively(work) {
      const database = new MysqlDatabase({
        ...options,
        connectionLimit: 1,
        statementTimeoutMillis: Math.max(options.statementTimeoutMillis ?? 20_000, (lockTimeoutSeconds + 10) * 1000),
      });
      try {
        return await database.withSession(async (session) => {
          const outcome = await withMysqlLock(session, "migrate", lockTimeoutSeconds, async () => ({
            result: await work(migrationSession(session)),
          }));
          if (outcome === undefined) throw new Error("another process is still migrating");
          return outcome.result;
        });
      } finally {
        await database.close();
      }
    },
  };
}

function migrationSession(session: MysqlSession): MigrationSession {
  return {
    execute: (sql) => session.command(sql, SCHEMA_CHANGE_TIMEOUT_MILLIS),
    async hasTable(name) {
      const rows = await session.rows(
        "SELECT 1 AS found FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?",
        [name],
      );
      return rows.length > 0;
    },
    async hasIndex(table, index) {
      const rows = await session.rows(
        `SELECT 1 AS found FROM information_schema.STATISTICS
         WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND INDEX_NAME = ?`,
        [table, index],
      );
      return rows.length > 0;
    },
    async hasColumn(table, column) {
      const rows = await session.rows(
        `SELECT 1 AS found FROM information_schema.COLUMNS
         WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND COLUMN_NAME = ?`,
        [table, column],
      );
      return rows.length > 0;
    },
    async applied() {
      await session.command(`${SCHEMA_MIGRATIONS_TABLE} ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin`);
      const rows = await session.rows(
        "SELECT version, name, checksum, applied_at FROM schema_migrations ORDER BY version",
        [],
      );
      return rows.map((row) => ({
        version: Number(row["version"]),
        name: String(row["name"]),
        checksum: String(row["checksum"]),
        appliedAt: Number(row["applied_at"]),
      }));
    },
    async record({ version, name, checksum, appliedAt }) {
      const sql = "INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES (?, ?, ?, ?)";
      await session.run(sql, [version, name, checksum, appliedAt]);
    },
    async forget(version) {
      await session.run("DELETE FROM schema_migrations WHERE version = ?", [version]);
    },
  };
}
