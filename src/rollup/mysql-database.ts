/**
 * The way to a MySQL or MariaDB server: a small pool with a limit on everything that could wait for ever.
 */
import { createPool } from "mysql2/promise";
import type { Pool, PoolConnection } from "mysql2/promise";

import { systemClock } from "../model/clock.ts";
import type { Clock } from "../model/clock.ts";
import { MysqlSession } from "./mysql-session.ts";
import { StatementCounter } from "./statement-counter.ts";
import { beforeDeadline } from "./deadline.ts";

/** Where the server is and the limits on using it. */
export interface MysqlOptions {
  /** `mysql://user:password@host:port/database`. */
  readonly url: string;
  readonly clock?: Clock;
  /** Connections at most. Default 4. */
  readonly connectionLimit?: number;
  /** Callers that may wait for a connection; one more is refused. Default 64. */
  readonly queueLimit?: number;
  /** Milliseconds to connect, and to wait for a connection. Default 5000. */
  readonly connectTimeoutMillis?: number;
  /** Milliseconds a statement may take; after that its connection is ended. Default 20,000. */
  readonly statementTimeoutMillis?: number;
  /** Seconds a statement waits for a row or table lock of another connection. Default 10. */
  readonly lockWaitSeconds?: number;
}

/** Prepared statements kept open on each connection; the least used is closed when another is needed. */
const MAX_PREPARED_STATEMENTS = 64;

/** The server ends a connection that says nothing for this long, so that a lost owner's locks go. */
const SERVER_IDLE_TIMEOUT_SECONDS = 90;

/** Idle connections are ended well before the server does it. */
const IDLE_TIMEOUT_MILLIS = 30_000;

/** How long closing waits for connections to end by themselves, milliseconds. */
const CLOSE_TIMEOUT_MILLIS = 2000;

/** A pool of sessions. */
export class MysqlDatabase {
  readonly counter: StatementCounter = new StatementCounter();
  readonly #options: Required<MysqlOptions>;
  readonly #pool: Pool;
  readonly #open = new Set<{ destroy(): void }>();
  readonly #prepared = new WeakSet<object>();
  #closed = false;

  /** Connects on first use. Throws on a URL that is none. */
  constructor(options: MysqlOptions) {
    this.#options = {
      clock: systemClock,
      connectionLimit: 4,
      queueLimit: 64,
      connectTimeoutMillis: 5000,
      statementTimeoutMillis: 20_000,
      lockWaitSeconds: 10,
      ...options,
    };
    this.#pool = createPool({
      uri: this.#options.url,
      waitForConnections: true,
      connectionLimit: this.#options.connectionLimit,
      queueLimit: this.#options.queueLimit,
      connectTimeout: this.#options.connectTimeoutMillis,
      maxIdle: 1,
      idleTimeout: IDLE_TIMEOUT_MILLIS,
      maxPreparedStatements: MAX_PREPARED_STATEMENTS,
      charset: "utf8mb4_bin",
      // Safe integers as numbers, all others as strings: exact at a tenth of the cost of strings for all.
      supportBigNumbers: true,
      bigNumberStrings: false,
      jsonStrings: true,
      // Rows found, not rows changed: an update to the same values counts.
      flags: ["FOUND_ROWS"],
    });
    this.#pool.on("connection", (connection) => {
      this.#open.add(connection);
      connection.on("end", () => this.#open.delete(connection));
      connection.on("error", () => this.#open.delete(connection));
    });
  }

  /** Gives `work` a session of its own. Rejects with what the driver reports, or when the time for it is over. */
  async withSession<T>(work: (session: MysqlSession) => Promise<T>): Promise<T> {
    if (this.#closed) throw new Error("the store is closed");
    const { clock, connectTimeoutMillis, statementTimeoutMillis } = this.#options;
    const pending = this.#pool.getConnection();
    const connection = await beforeDeadline(pending, connectTimeoutMillis, clock, () => {
      pending.then(
        (late) => late.release(),
        () => undefined,
      );
    });
    const session = new MysqlSession(connection, { clock, statementTimeoutMillis, counter: this.counter });
    try {
      await this.#prepare(connection, session);
      return await work(session);
    } finally {
      session.release();
    }
  }

  /** Ends every connection; a server that does not answer is left without a word. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const leave = (): void => {
      for (const connection of this.#open) connection.destroy();
    };
    await beforeDeadline(this.#pool.end(), CLOSE_TIMEOUT_MILLIS, this.#options.clock, leave).catch(leave);
  }

  async #prepare(connection: PoolConnection, session: MysqlSession): Promise<void> {
    const { connection: raw } = connection as unknown as { connection: object };
    if (this.#prepared.has(raw)) return;
    const seconds = Math.max(1, Math.trunc(this.#options.lockWaitSeconds));
    // To MariaDB JSON is text with a check: it would read every histogram of a commit once more, and those are written by us.
    await session.command(
      `SET SESSION sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION',
       time_zone = '+00:00', innodb_lock_wait_timeout = ${seconds}, lock_wait_timeout = ${seconds},
       wait_timeout = ${SERVER_IDLE_TIMEOUT_SECONDS} /*M! , check_constraint_checks = OFF */`,
    );
    // Each row has one writer, guarded by the offset's row: gap locks would only make shards wait for each other.
    await session.command("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
    this.#prepared.add(raw);
  }
}
