/** What the suites of the totals need of an engine. */
import type { Result } from "../../src/model/result.ts";
import type { AlertStore } from "../../src/model/alert-store.ts";
import type { RollupReader, RollupStore } from "../../src/model/rollup-store.ts";
import type { LayoutStore } from "../../src/model/shard-layout.ts";
import { type MigrationDatabase } from "../../src/rollup/migrate.ts";

/** A row as the engine's own client reads it. */
export type PlainRow = Readonly<Record<string, unknown>>;

/** A store as an engine has it. */
export type EngineStore = RollupStore & RollupReader & { readonly alerts: AlertStore; readonly layouts: LayoutStore };

/** A fresh database of an engine, without any table. */
export interface RollupDatabase {
  migrations(): MigrationDatabase;
  /** A store on the database; each call is another one. */
  openStore(): Promise<EngineStore>;
  /** Runs SQL on a connection that is not the store's; whole numbers may be strings or BigInts. */
  query(sql: string): Promise<readonly PlainRow[]>;
  /** The columns of a table. */
  columns(table: string): Promise<readonly string[]>;
  /** Runs `work` while another connection holds the row that `sql` locks. */
  whileLocked<T>(sql: string, work: () => Promise<T>): Promise<T>;
  /** The engine's name of a column. */
  columnName(name: string, kind: string): string;
  /** Ends the stores that were opened and deletes the database. */
  remove(): Promise<void>;
}

/** The value of a success; fails the test with the reason of anything else. */
export function valueOf<T>(result: Result<T>): T {
  if (result.kind !== "success") throw new Error(`${result.kind} ${result.code}: ${result.reason}`);
  return result.value;
}
