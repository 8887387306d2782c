/** The receiver as it runs in production, built, with a Redis and a MariaDB of its own, and what its totals say. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise";
import { answers, type ChildServer, startChildServer, unusedPort } from "./child-server.ts";
import { type ProcessCost, processCost } from "./cpu-seconds.ts";
import { type Database, startMariadb, startRedis } from "./databases.ts";
import type { ServiceTotals } from "./service-metrics.ts";

const MAIN = new URL("../dist/app/main.js", import.meta.url).pathname;
const POLL_MILLIS = 200;

/** Where the receiver keeps its log. */
export type LogKind = "redis" | "sqlite";

/** The costs of the receiver's parts. */
export interface ReceiverCost {
  readonly receiver: ProcessCost;
  readonly redis: ProcessCost;
  readonly sql: ProcessCost;
}

/** The receiver and its databases, running. */
export class ReceiverUnderLoad {
  readonly url: string;
  /** Where pages and admins connect. */
  readonly bridgeOrigin: string;
  readonly #receiver: ChildServer;
  readonly #redis: Database | undefined;
  readonly #sql: Database;
  readonly #connection: Connection;

  constructor(
    ports: { readonly otlp: number; readonly bridge: number },
    receiver: ChildServer,
    redis: Database | undefined,
    sql: Database,
    connection: Connection,
  ) {
    this.url = `http://127.0.0.1:${ports.otlp}/v1/metrics`;
    this.bridgeOrigin = `http://127.0.0.1:${ports.bridge}`;
    this.#receiver = receiver;
    this.#redis = redis;
    this.#sql = sql;
    this.#connection = connection;
  }

  /** Starts everything in an empty directory. `persistMillis` is how often totals are written; `settings` are further ones. */
  static async start(
    directory: string,
    persistMillis: number,
    log: LogKind = "redis",
    settings: Readonly<Record<string, string>> = {},
  ): Promise<ReceiverUnderLoad> {
    if (!existsSync(MAIN)) throw new Error(`${MAIN} is not there: run "npm run build" first`);
    const redis = log === "redis" ? await startRedis(directory) : undefined;
    const sql = await startMariadb(directory).catch(async (error: unknown) => {
      await redis?.stop();
      throw error;
    });
    try {
      const [port, bridgePort] = [await unusedPort(), await unusedPort()];
      const receiver = await startChildServer({
        command: process.execPath,
        commandArguments: [MAIN, "serve"],
        environment: {
          ...(redis ? { REDIS_URL: redis.url } : {}),
          MYSQL_URL: sql.url,
          OTLP_PORT: String(port),
          BRIDGE_PORT: String(bridgePort),
          DATA_DIR: join(directory, "data"),
          METRICS_PERSIST_INTERVAL: String(persistMillis),
          ...settings,
        },
        ready: () => answers(`http://127.0.0.1:${bridgePort}/readyz`),
      });
      const connection = await createConnection({ uri: sql.url, supportBigNumbers: true, bigNumberStrings: true });
      return new ReceiverUnderLoad({ otlp: port, bridge: bridgePort }, receiver, redis, sql, connection);
    } catch (error) {
      await Promise.all([redis?.stop(), sql.stop()]);
      throw error;
    }
  }

  /** The ids of its processes; of a log without a process none. */
  get pids(): { readonly receiver: number; readonly redis: number | undefined; readonly sql: number } {
    return { receiver: this.#receiver.pid, redis: this.#redis?.pid, sql: this.#sql.pid };
  }

  /** What its processes have cost so far. */
  cost(): ReceiverCost {
    return {
      receiver: processCost(this.#receiver.pid),
      redis: this.#redis ? processCost(this.#redis.pid) : { cpuSeconds: 0, peakBytes: 0 },
      sql: processCost(this.#sql.pid),
    };
  }

  /** Waits until so many points are in SQL, in the totals or already contained in them. Rejects when they are not after `maxMillis`. */
  async untilPersisted(points: number, maxMillis: number): Promise<void> {
    const deadline = performance.now() + maxMillis;
    for (;;) {
      const persisted = await this.#number("SELECT SUM(points + points_duplicate) AS value FROM receiver_minute");
      if (persisted === points) return;
      if (persisted > points || performance.now() > deadline) {
        throw new Error(`${persisted} points are in SQL, expected ${points}`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLIS));
    }
  }

  /** Compares the totals in SQL with what was sent; every difference in one line, empty when they are equal. */
  async differences(sent: ServiceTotals): Promise<string[]> {
    const expected: Readonly<Record<string, number>> = {
      requests: sent.requests,
      bytes_in: sent.requestBodyBytes,
      bytes_out: sent.responseBodyBytes,
      wire_bytes_in: sent.wireBytesIn,
      wire_bytes_out: sent.wireBytesOut,
    };
    const differences: string[] = [];
    for (const table of ["metrics_minute", "metrics_hourly", "metrics_daily"]) {
      for (const [column, value] of Object.entries(expected)) {
        const actual = await this.#number(`SELECT SUM(${column}) AS value FROM ${table}`);
        if (actual !== value) differences.push(`${table}.${column} is ${actual}, sent were ${value}`);
      }
    }
    return differences;
  }

  /** The sum of a column over all minutes. */
  sumOf(column: string): Promise<number> {
    return this.#number(`SELECT SUM(${column}) AS value FROM metrics_minute`);
  }

  /** Ends everything. */
  async stop(): Promise<void> {
    this.#connection.destroy();
    await this.#receiver.stop();
    await Promise.all([this.#redis?.stop(), this.#sql.stop()]);
  }

  async #number(query: string): Promise<number> {
    const [rows] = await this.#connection.query<RowDataPacket[]>(query);
    return Number(rows[0]?.["value"] ?? 0);
  }
}
