/**
 * Connections to one MySQL or MariaDB server, with a limit on everything that could wait for ever.
 */
import { createPool } from "mysql2/promise";
import type { Pool, PoolConnection } from "mysql2/promise";
import { messageOf } from "../model/result.ts";
import type { MysqlOptions } from "./mysql-database.ts";
import { MysqlSession } from "./mysql-session.ts";
import type { StatementCounter } from "./statement-counter.ts";
import { beforeDeadline } from "./deadline.ts";

/** Prepared statements kept open on each connection; the least used is closed when another is needed. */
const MAX_PREPARED_STATEMENTS = 64;

/** The server ends a connection that says nothing for this long, so that a lost owner's locks go. */
const SERVER_IDLE_TIMEOUT_SECONDS = 90;

/** Idle connections are ended well before the server does it. */
const IDLE_TIMEOUT_MILLIS = 30_000;

/** How long closing waits for connections to end by themselves, milliseconds. */
const CLOSE_TIMEOUT_MILLIS = 2000;

/** What a pool needs: the limits, and where statements are counted. */
export type MysqlPoolOptions = Required<MysqlOptions> & {
  readonly counter: StatementCounter;
  /** Rejects when a new connection leads to a server that is not to be used. */
  readonly check: (session: MysqlSession) => Promise<void>;
};

/** What the driver says when as many as `queueLimit` wait already. */
const QUEUE_IS_FULL = "Queue limit reached.";

/** All connections were in use, for too long or by too many: nothing was asked of the server. */
export class PoolBusyError extends Error {}

/** A pool of sessions. */
export class MysqlPool {
  /** Of its server. */
  readonly url: string;
  readonly #options: MysqlPoolOptions;
  readonly #pool: Pool;
  readonly #open = new Set<{ destroy(): void }>();
  readonly #prepared = new WeakSet<object>();
  /** How often somebody had to wait for a connection that was in use. */
  #waits = 0;

  /** Connects on first use to the one server of `options.url`. Throws on a URL that is none. */
  constructor(options: MysqlPoolOptions) {
    this.url = options.url;
    this.#options = options;
    this.#pool = createPool({
      uri: options.url,
      waitForConnections: true,
      connectionLimit: options.connectionLimit,
      queueLimit: options.queueLimit,
      connectTimeout: options.connectTimeoutMillis,
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
    this.#pool.on("enqueue", () => (this.#waits += 1));
    this.#pool.on("connection", (connection) => {
      this.#open.add(connection);
      connection.on("end", () => this.#open.delete(connection));
      connection.on("error", () => this.#open.delete(connection));
    });
  }

  /**
   * A session, to be released. Rejects with what the driver or `check` reports, when the time for it is over, and with
   * {@link PoolBusyError} when that was spent waiting for others.
   */
  async session(): Promise<MysqlSession> {
    const { clock, statementTimeoutMillis, counter } = this.#options;
    const connection = await this.#connection();
    const session = new MysqlSession(connection, { clock, statementTimeoutMillis, counter });
    try {
      await this.#prepare(connection, session);
    } catch (error) {
      session.giveUp();
      session.release();
      throw error;
    }
    return session;
  }

  async #connection(): Promise<PoolConnection> {
    const { clock, connectTimeoutMillis, connectionLimit } = this.#options;
    const waitsBefore = this.#waits;
    const pending = this.#pool.getConnection();
    const isQueued = this.#waits > waitsBefore;
    let isLate = false;
    try {
      return await beforeDeadline(pending, connectTimeoutMillis, clock, () => {
        isLate = true;
        pending.then(
          (late) => late.release(),
          () => undefined,
        );
      });
    } catch (error) {
      if (isLate && isQueued) {
        throw new PoolBusyError(`all ${connectionLimit} connections were in use for ${connectTimeoutMillis} ms`);
      }
      throw messageOf(error) === QUEUE_IS_FULL ? new PoolBusyError(QUEUE_IS_FULL) : error;
    }
  }

  /** Ends every connection in order; a server that does not answer is left without a word. */
  async close(): Promise<void> {
    const leave = (): void => this.destroy();
    await beforeDeadline(this.#pool.end(), CLOSE_TIMEOUT_MILLIS, this.#options.clock, leave).catch(leave);
  }

  /** Ends every connection at once, those in use too. */
  destroy(): void {
    for (const connection of this.#open) connection.destroy();
    this.#pool.end().catch(() => undefined);
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
    await this.#options.check(session);
    this.#prepared.add(raw);
  }
}
