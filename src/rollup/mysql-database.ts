/**
 * The way to a database: to its one server, or to whichever of a group's members takes writes now.
 */
import { systemClock } from "../model/clock.ts";
import type { Clock } from "../model/clock.ts";
import { messageOf } from "../model/result.ts";
import { Turns } from "../model/turns.ts";
import { mysqlServers } from "./mysql-address.ts";
import { explainMysqlFault } from "./mysql-fault.ts";
import { isOfNoUseHere, isRefusedByGroup, whyNotTheWriter } from "./mysql-member.ts";
import { MysqlPool, PoolBusyError } from "./mysql-pool.ts";
import type { MysqlSession } from "./mysql-session.ts";
import { StatementCounter } from "./statement-counter.ts";

/** Where the database is and the limits on using it. */
export interface MysqlOptions {
  /** `mysql://user:password@host:port/database`; several hosts, with a comma between them, are the members of a group. */
  readonly url: string;
  readonly clock?: Clock;
  /** Connections at most, one of them for short work alone. Default 4. */
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

/** Sessions on the server that takes writes. */
export class MysqlDatabase {
  readonly counter: StatementCounter = new StatementCounter();
  readonly #options: Required<MysqlOptions>;
  readonly #servers: readonly string[];
  /** Of the server that took writes when it was last looked for. */
  #pool: MysqlPool | undefined;
  #finding: Promise<MysqlPool> | undefined;
  /** By their URL, of servers that are in doubt: whether they still take writes. */
  readonly #asking = new Map<string, Promise<boolean>>();
  /** For work that may take long: a connection is left for what others ask meanwhile. */
  readonly #longWork: Turns;
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
    this.#servers = mysqlServers(options.url);
    this.#longWork = new Turns(Math.max(1, this.#options.connectionLimit - 1));
    if (this.#servers.length === 1) this.#pool = this.#open(this.#servers[0]!);
  }

  /** Gives `work` a session of its own. Rejects with what the driver reports, or when the time for it is over. */
  async withSession<T>(work: (session: MysqlSession) => Promise<T>): Promise<T> {
    if (this.#closed) throw new Error("the store is closed");
    const [pool, session] = await this.#session();
    try {
      return await used(session, work);
    } catch (error) {
      if (isOfNoUseHere(error) || (await this.#isGone(pool, session, error))) this.#leave(pool);
      throw error;
    }
  }

  /**
   * The same for work that may take long, such as a commit of many series: it waits its turn, however long that takes, so that such work
   * never has all connections.
   */
  withSessionForLong<T>(work: (session: MysqlSession) => Promise<T>): Promise<T> {
    return this.#longWork.take(() => this.withSession(work));
  }

  /** Ends every connection; a server that does not answer is left without a word. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#pool?.close();
  }

  async #session(): Promise<readonly [MysqlPool, MysqlSession]> {
    const pool = this.#pool;
    if (pool !== undefined) {
      try {
        return [pool, await pool.session()];
      } catch (error) {
        // Nothing was done yet: another member may be asked in its place.
        if (this.#servers.length === 1 || (await this.#isOnlyBusy(pool, error))) throw error;
        this.#leave(pool);
      }
      // Another call may have found it while this one waited: a second search would put its own pool in that one's place.
      const newer = this.#pool;
      if (newer !== undefined) return [newer, await newer.session()];
    }
    const found = await (this.#finding ??= this.#find().finally(() => (this.#finding = undefined)));
    return [found, await found.session()];
  }

  /** Leaving a pool ends the commits that keep it busy. One whose server hangs is busy, too: that is asked. */
  async #isOnlyBusy(pool: MysqlPool, error: unknown): Promise<boolean> {
    if (!(error instanceof PoolBusyError) || this.#pool !== pool) return false;
    return (await this.#takesWrites(pool.url)) && this.#pool === pool;
  }

  /**
   * Whether a member that lost a connection, let a statement wait too long or whose group refused a commit takes no writes any more. It
   * may be that statement alone, and leaving would end all others in the middle: so the member is asked.
   */
  async #isGone(pool: MysqlPool, session: MysqlSession, error: unknown): Promise<boolean> {
    if (this.#servers.length === 1 || this.#pool !== pool) return false;
    return (session.isBroken || isRefusedByGroup(error)) && !(await this.#takesWrites(pool.url));
  }

  /** Asked on a connection of its own, once for all who want to know. */
  #takesWrites(url: string): Promise<boolean> {
    const asked = this.#asking.get(url) ?? this.#askWhetherItTakesWrites(url).finally(() => this.#asking.delete(url));
    this.#asking.set(url, asked);
    return asked;
  }

  async #askWhetherItTakesWrites(url: string): Promise<boolean> {
    const beside = this.#open(url);
    try {
      (await beside.session()).release();
      return true;
    } catch {
      return false;
    } finally {
      beside.destroy();
    }
  }

  /** Asks all servers at once, and takes the first in the list that takes writes. */
  async #find(): Promise<MysqlPool> {
    const asked = this.#servers.map(async (url) => {
      const pool = this.#open(url);
      try {
        (await pool.session()).release();
        return { pool, url };
      } catch (error) {
        pool.destroy();
        return { fault: `${new URL(url).host}: ${explainMysqlFault(error, new URL(url))}` };
      }
    });
    const faults: string[] = [];
    for (const [index, answer] of asked.entries()) {
      const { pool, fault } = await answer;
      if (fault !== undefined) faults.push(fault);
      if (pool === undefined) continue;
      for (const other of asked.slice(index + 1)) void other.then((late) => late.pool?.destroy());
      if (this.#closed) pool.destroy();
      else this.#pool = pool;
      return pool;
    }
    throw new Error(`no server takes writes: ${faults.join("; ")}`);
  }

  #open(url: string): MysqlPool {
    const isMember = this.#servers.length > 1;
    const check = async (session: MysqlSession): Promise<void> => {
      const reason = isMember ? await whyNotTheWriter(session) : undefined;
      if (reason !== undefined) throw new Error(reason);
    };
    return new MysqlPool({ ...this.#options, url, counter: this.counter, check });
  }

  /** What holds its connections may have another server behind its address by now, or be another member's follower. */
  #leave(pool: MysqlPool): void {
    if (this.#pool !== pool) return;
    pool.destroy();
    this.#pool = this.#servers.length === 1 && !this.#closed ? this.#open(this.#servers[0]!) : undefined;
  }
}

async function used<T>(session: MysqlSession, work: (session: MysqlSession) => Promise<T>): Promise<T> {
  try {
    return await work(session);
  } catch (error) {
    if (isOfNoUseHere(error) || isRefusedByGroup(error)) session.giveUp();
    throw error;
  } finally {
    session.release();
  }
}

/** What cannot be used, in plain words: see {@link explainMysqlFault}. */
export function explainFault(error: unknown, url: string): string {
  const [first, ...more] = mysqlServers(url);
  return more.length === 0 ? explainMysqlFault(error, new URL(first!)) : messageOf(error);
}
