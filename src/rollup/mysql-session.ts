/**
 * One connection of the pool while one caller has it: statements with a deadline, and transactions that leave nothing.
 */
import mysql from "mysql2/promise";
import type {
  ExecuteValues,
  PoolConnection,
  ResultSetHeader,
  RowDataPacket,
  TypedParameterValue,
} from "mysql2/promise";

import type { Clock } from "../model/clock.ts";
import { beforeDeadline } from "./deadline.ts";
import type { SqlValue } from "./side-rows.ts";
import type { StatementCounter } from "./statement-counter.ts";

/** A row as it is read: integers that are not safe, and decimals, are strings. */
export type MysqlRow = Readonly<Record<string, string | number | Buffer | null>>;

/** What a session needs besides its connection. */
export interface MysqlSessionOptions {
  readonly clock: Clock;
  readonly statementTimeoutMillis: number;
  readonly counter: StatementCounter;
}

/** A connection in use. Its methods reject with what the driver reports. */
export class MysqlSession {
  readonly #connection: PoolConnection;
  readonly #options: MysqlSessionOptions;
  #broken = false;

  /** Takes over a connection of the pool until `release`. */
  constructor(connection: PoolConnection, options: MysqlSessionOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  /** Sends a statement without values as text: transaction control, settings, schema changes. */
  async command(sql: string, timeoutMillis: number = this.#options.statementTimeoutMillis): Promise<void> {
    this.#options.counter.add(sql);
    await this.#inTime(() => this.#connection.query(sql), timeoutMillis);
  }

  /** Runs a prepared INSERT, UPDATE or DELETE and returns the rows it found or wrote. */
  async run(sql: string, values: readonly SqlValue[]): Promise<number> {
    this.#options.counter.add(sql);
    const [header] = await this.#inTime(() => this.#connection.execute<ResultSetHeader>(sql, bindings(values)));
    return header.affectedRows;
  }

  /** Runs a prepared SELECT. */
  async rows(sql: string, values: readonly SqlValue[]): Promise<readonly MysqlRow[]> {
    this.#options.counter.add(sql);
    const [rows] = await this.#inTime(() => this.#connection.execute<RowDataPacket[]>(sql, bindings(values)));
    return rows;
  }

  /** Runs `work` in a transaction: all of it or, when it rejects or returns false, nothing. */
  async transaction(work: () => Promise<boolean>): Promise<boolean> {
    await this.command("START TRANSACTION");
    let done = false;
    try {
      done = await work();
      if (done) await this.command("COMMIT");
      return done;
    } catch (error) {
      done = false;
      throw error;
    } finally {
      // A lock timeout undoes only its statement: without this the next commit would store the rest.
      if (!done) await this.#rollback();
    }
  }

  /** Whether the connection was lost, or given up after a statement that took too long. */
  get isBroken(): boolean {
    return this.#broken;
  }

  /** Has the connection ended by `release`, whatever was done on it. */
  giveUp(): void {
    this.#broken = true;
  }

  /** Gives the connection back, or ends it when it cannot be trusted any more. */
  release(): void {
    if (this.#broken) this.#connection.destroy();
    else this.#connection.release();
  }

  async #rollback(): Promise<void> {
    if (this.#broken) return;
    try {
      await this.command("ROLLBACK");
    } catch {
      // The server rolls back what a lost connection leaves.
      this.#broken = true;
    }
  }

  #inTime<T>(send: () => Promise<T>, timeoutMillis: number = this.#options.statementTimeoutMillis): Promise<T> {
    if (this.#broken) return Promise.reject(new Error("the connection was given up"));
    const answered = beforeDeadline(send(), timeoutMillis, this.#options.clock, () => {
      this.#broken = true;
      this.#connection.destroy();
    });
    return answered.catch((error: unknown) => {
      if (error instanceof Error && "fatal" in error && error.fatal === true) this.#broken = true;
      throw error;
    });
  }
}

// Typed, because a BigInt sent as text would be compared as a double.
function bindings(values: readonly SqlValue[]): ExecuteValues[] {
  return values.map((value): string | number | Buffer | TypedParameterValue => {
    if (typeof value === "bigint") return mysql.TypedParameter.LONGLONG(value);
    if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return value;
  });
}
