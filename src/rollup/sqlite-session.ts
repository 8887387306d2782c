/**
 * One connection to the SQLite file of the totals, with its prepared statements. Everything on it is synchronous, so a
 * transaction is never interleaved with another of the same process.
 */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { StatementSync } from "node:sqlite";

import type { SqlValue } from "./side-rows.ts";
import { StatementCounter } from "./statement-counter.ts";

/** A row as it is read: whole numbers are BigInts. */
export type SqliteRow = Readonly<Record<string, string | number | bigint | Uint8Array | null>>;

/** Where the file is and how long a lock of another process is waited for. */
export interface SqliteSessionOptions {
  /** Path of the database file; its folder is made when missing. `:memory:` is not shared with anyone. */
  readonly file: string;
  /** How long a statement waits for another process's lock, milliseconds. Default 5000. */
  readonly busyTimeoutMillis?: number;
}

/** A connection and its statements. Its methods throw what SQLite reports. */
export class SqliteSession {
  readonly counter: StatementCounter = new StatementCounter();
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /** Opens the file, in WAL mode and durable at every commit. Throws when it cannot be opened. */
  constructor({ file, busyTimeoutMillis = 5000 }: SqliteSessionOptions) {
    if (file !== ":memory:") mkdirSync(dirname(file), { recursive: true });
    this.#database = new DatabaseSync(file);
    try {
      this.#database.exec(`PRAGMA busy_timeout = ${Math.trunc(busyTimeoutMillis)}`);
      this.#database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536");
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  /** Runs statements without parameters. */
  exec(sql: string): void {
    this.counter.add(sql);
    this.#database.exec(sql);
  }

  /** Runs one statement and returns the number of rows it changed. */
  run(sql: string, values: readonly SqlValue[]): number {
    this.counter.add(sql);
    return Number(this.#prepared(sql).run(...values).changes);
  }

  /** Reads rows. */
  all(sql: string, values: readonly SqlValue[]): SqliteRow[] {
    this.counter.add(sql);
    return this.#prepared(sql).all(...values);
  }

  /** Reads the first row, if any. */
  get(sql: string, values: readonly SqlValue[]): SqliteRow | undefined {
    this.counter.add(sql);
    return this.#prepared(sql).get(...values);
  }

  /** Runs `work` in a write transaction: all of it or, when it throws or returns false, nothing. */
  transaction(work: () => boolean): boolean {
    this.#database.exec("BEGIN IMMEDIATE");
    let done = false;
    try {
      done = work();
      if (done) this.#database.exec("COMMIT");
      return done;
    } catch (error) {
      done = false;
      throw error;
    } finally {
      if (!done) this.#rollback();
    }
  }

  /** Ends the connection. */
  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  #rollback(): void {
    // A full disk or a failed write has already rolled the transaction back; a second ROLLBACK is then an error.
    try {
      this.#database.exec("ROLLBACK");
    } catch (error) {
      if (!(error instanceof Error && error.message.includes("no transaction is active"))) throw error;
    }
  }

  #prepared(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      statement.setReadBigInts(true);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}
