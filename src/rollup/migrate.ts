/**
 * Brings the schema up, down, or says where it stands. Several processes may start at once: one runs the migrations, the
 * others wait for it and find them done.
 */
import { failure, messageOf, retryable, success } from "../model/result.ts";
import type { Result } from "../model/result.ts";
import type { Migration, MigrationStatement } from "./migration.ts";

/** A row of `schema_migrations`. */
export interface AppliedMigration {
  readonly version: number;
  readonly name: string;
  readonly checksum: string;
  /** Epoch seconds; that of migration 1 is the birth of the totals. */
  readonly appliedAt: number;
}

/** What migrating needs of a database while no other process migrates. Its methods throw on failure. */
export interface MigrationSession {
  execute(sql: string): Promise<void>;
  hasTable(name: string): Promise<boolean>;
  hasIndex(table: string, index: string): Promise<boolean>;
  hasColumn(table: string, column: string): Promise<boolean>;
  /** Oldest first; makes `schema_migrations` when there is none. */
  applied(): Promise<readonly AppliedMigration[]>;
  record(migration: AppliedMigration): Promise<void>;
  forget(version: number): Promise<void>;
}

/** A database that can be migrated. */
export interface MigrationDatabase {
  readonly migrations: readonly Migration[];
  /** Runs `work` while no other process does, and ends the connection. Rejects when the turn does not come in time. */
  exclusively<T>(work: (session: MigrationSession) => Promise<T>): Promise<T>;
}

/** Where a migration stands. */
export interface MigrationState {
  readonly version: number;
  readonly name: string;
  /** Epoch seconds, absent when it was not applied. */
  readonly appliedAt?: number;
}

/**
 * Applies what is missing and returns the names of what was applied.
 * Failure `invalid` when an applied migration is not the one in this package; retryable `unavailable` for everything else.
 */
export function migrateUp(database: MigrationDatabase, nowSeconds: number): Promise<Result<readonly string[]>> {
  return checked(database, async (session, applied) => {
    const names: string[] = [];
    for (const migration of database.migrations.slice(applied.length)) {
      await run(session, migration.up);
      const { version, name, checksum } = migration;
      await session.record({ version, name, checksum, appliedAt: nowSeconds });
      names.push(name);
    }
    return names;
  });
}

/**
 * Takes back every migration above `toVersion` (0: all of them), newest first, and returns their names. Totals are lost
 * with the tables that hold them. Fails as {@link migrateUp} does.
 */
export function migrateDown(database: MigrationDatabase, toVersion: number): Promise<Result<readonly string[]>> {
  return checked(database, async (session, applied) => {
    const newer = applied[database.migrations.length];
    if (newer !== undefined) throw new Error(`migration ${newer.version} (${newer.name}) is of a newer version`);
    const names: string[] = [];
    for (const migration of database.migrations.slice(0, applied.length).toReversed()) {
      if (migration.version <= toVersion) break;
      await run(session, migration.down);
      await session.forget(migration.version);
      names.push(migration.name);
    }
    return names;
  });
}

/** Every migration of this package and when it was applied. Fails as {@link migrateUp} does. */
export function migrationStatus(database: MigrationDatabase): Promise<Result<readonly MigrationState[]>> {
  return checked(database, async (_session, applied) =>
    database.migrations.map(({ version, name }, index) => {
      const appliedAt = applied[index]?.appliedAt;
      return appliedAt === undefined ? { version, name } : { version, name, appliedAt };
    }),
  );
}

async function checked<T>(
  database: MigrationDatabase,
  work: (session: MigrationSession, applied: readonly AppliedMigration[]) => Promise<T>,
): Promise<Result<T>> {
  try {
    return await database.exclusively(async (session): Promise<Result<T>> => {
      const applied = await session.applied();
      const fault = migrationMismatch(database.migrations, applied);
      if (fault !== undefined) return failure("invalid", fault);
      return success(await work(session, applied));
    });
  } catch (error) {
    return retryable("unavailable", `the migrations could not run: ${messageOf(error)}`);
  }
}

/** Why what was applied does not fit what this package has, one sentence; `undefined` when it fits. */
export function migrationMismatch(
  known: readonly Migration[],
  applied: readonly AppliedMigration[],
): string | undefined {
  for (const [index, { version, name, checksum }] of applied.entries()) {
    const migration = known[index];
    // Of a newer version, which may run beside this one: migrations only add (docs/decisions/shard-layout.md).
    if (migration === undefined) return undefined;
    if (migration.version !== version) return `the database lacks migration ${migration.version} (${migration.name})`;
    if (migration.checksum !== checksum) return `migration ${version} (${name}) was changed after it was applied`;
  }
  return undefined;
}

async function run(session: MigrationSession, statements: readonly MigrationStatement[]): Promise<void> {
  for (const statement of statements) {
    if (await isDue(session, statement)) await session.execute(statement.sql);
  }
}

async function isDue(session: MigrationSession, statement: MigrationStatement): Promise<boolean> {
  const { onlyIfTable, onlyIfIndex, onlyIfColumn } = statement;
  if (onlyIfTable !== undefined && !(await session.hasTable(onlyIfTable))) return false;
  if (onlyIfIndex && (await session.hasIndex(onlyIfIndex.table, onlyIfIndex.index)) !== onlyIfIndex.exists)
    return false;
  if (onlyIfColumn === undefined) return true;
  return (await session.hasColumn(onlyIfColumn.table, onlyIfColumn.column)) === onlyIfColumn.exists;
}

/** The table that remembers what was applied; the same on every engine. */
export const SCHEMA_MIGRATIONS_TABLE: string = `CREATE TABLE IF NOT EXISTS schema_migrations (
  version INTEGER NOT NULL PRIMARY KEY,
  name VARCHAR(255) NOT NULL,
  checksum VARCHAR(64) NOT NULL,
  applied_at BIGINT NOT NULL
)`;

/** Whether every migration of this package was applied, as one sentence when not. */
export function missingMigrations(known: readonly Migration[], appliedVersions: readonly number[]): string | undefined {
  const missing = known.filter(({ version }) => !appliedVersions.includes(version));
  if (missing.length === 0) return undefined;
  return `migrations are missing: ${missing.map(({ name }) => name).join(", ")}`;
}
