/**
 * Says where migrations stand without running or recording any.
 */
import { migrationMismatch } from "./migrate.ts";
import type { AppliedMigration } from "./migrate.ts";
import { loadMigrations } from "./migration.ts";

/** Where the migrations of a database stand. */
export interface MigrationStanding {
  /** Names of those that have not run. */
  readonly pending: readonly string[];
  /** Names of those that this version does not know: a newer one, which may run beside it, has added them. */
  readonly newer: readonly string[];
  /** Why this version cannot work with the database; absent when it can. */
  readonly fault?: string;
}

/** Compares what was applied with what this package has. */
export function migrationStanding(engine: "mysql" | "sqlite", applied: readonly AppliedMigration[]): MigrationStanding {
  const known = loadMigrations(engine);
  const fault = migrationMismatch(known, applied);
  const pending = known.slice(applied.length).map(({ name }) => name);
  const newer = applied.slice(known.length).map(({ name }) => name);
  return fault === undefined ? { pending, newer } : { pending, newer, fault };
}
