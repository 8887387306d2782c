/**
 * The numbered SQL files beside this module, read as migrations. `migrate.ts` runs them.
 */
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";

/** The engines that have migrations; MariaDB takes those of MySQL. */
export type MigrationEngine = "mysql" | "sqlite";

/** One statement of a migration. */
export interface MigrationStatement {
  readonly sql: string;
  /** Run only when this table exists. */
  readonly onlyIfTable?: string;
  /** Run only when this index exists, or only when it does not. */
  readonly onlyIfIndex?: IndexCondition;
  /** Run only when this column exists, or only when it does not. */
  readonly onlyIfColumn?: ColumnCondition;
}

/** Whether an index must be there for a statement to run. */
export interface IndexCondition {
  readonly table: string;
  readonly index: string;
  readonly exists: boolean;
}

/** Whether a column must be there for a statement to run. */
export interface ColumnCondition {
  readonly table: string;
  readonly column: string;
  readonly exists: boolean;
}

/** A step of the schema and the way back. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly up: readonly MigrationStatement[];
  readonly down: readonly MigrationStatement[];
  /** SHA-256 of the `up` file, hexadecimal: an applied migration must not change. */
  readonly checksum: string;
}

const FILE_NAME = /^(\d{4})-([a-z0-9-]+)\.up\.sql$/;
const TABLE_CONDITION = /^--\s*when table exists:\s*(\w+)\s*$/m;
const INDEX_CONDITION = /^--\s*when (no )?index exists:\s*(\w+)\.(\w+)\s*$/m;
const COLUMN_CONDITION = /^--\s*when (no )?column exists:\s*(\w+)\.(\w+)\s*$/m;

/** Reads an engine's migrations, oldest first. Throws when a file is missing or misnamed: the package is incomplete. */
export function loadMigrations(engine: MigrationEngine): readonly Migration[] {
  const folder = new URL(`./migrations/${engine}/`, import.meta.url);
  const migrations = readdirSync(folder)
    .filter((file) => file.endsWith(".up.sql"))
    .sort()
    .map((file) => loadMigration(folder, file));
  for (const [index, { version }] of migrations.entries()) {
    if (version !== index + 1) throw new Error(`the ${engine} migrations have no number ${index + 1}`);
  }
  return migrations;
}

function loadMigration(folder: URL, file: string): Migration {
  const match = FILE_NAME.exec(file);
  if (match === null) throw new Error(`${file} is not named like a migration`);
  const [, version = "", name = ""] = match;
  // A checkout may turn line ends around; the checksum must not depend on it.
  const up = readFileSync(new URL(file, folder), "utf8").replaceAll("\r\n", "\n");
  const down = readFileSync(new URL(`${version}-${name}.down.sql`, folder), "utf8").replaceAll("\r\n", "\n");
  return {
    version: Number(version),
    name,
    up: splitStatements(up),
    down: splitStatements(down),
    checksum: createHash("sha256").update(up).digest("hex"),
  };
}

/** Splits a file into statements: each ends with a semicolon at the end of a line. Comments are dropped. */
export function splitStatements(text: string): readonly MigrationStatement[] {
  return text.split(/;[ \t]*(?:\n|$)/).flatMap((part) => {
    const sql = part.replaceAll(/^\s*--.*$/gm, "").trim();
    if (sql === "") return [];
    const onlyIfTable = TABLE_CONDITION.exec(part)?.[1];
    const onlyIfIndex = indexCondition(part);
    const onlyIfColumn = columnCondition(part);
    return [
      {
        sql,
        ...(onlyIfTable !== undefined && { onlyIfTable }),
        ...(onlyIfIndex && { onlyIfIndex }),
        ...(onlyIfColumn && { onlyIfColumn }),
      },
    ];
  });
}

function indexCondition(part: string): IndexCondition | undefined {
  const match = INDEX_CONDITION.exec(part);
  if (match === null) return undefined;
  const [, absent, table = "", index = ""] = match;
  return { table, index, exists: absent === undefined };
}

function columnCondition(part: string): ColumnCondition | undefined {
  const match = COLUMN_CONDITION.exec(part);
  if (match === null) return undefined;
  const [, absent, table = "", column = ""] = match;
  return { table, column, exists: absent === undefined };
}
