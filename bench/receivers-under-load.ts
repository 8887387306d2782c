/** Several receivers as they run in production, built, on one Redis and one MariaDB of their own. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise";
import { answers, type ChildServer, startChildServer, unusedPort } from "./child-server.ts";
import { CommitWatch } from "./commit-watch.ts";
import { processCost } from "./cpu-seconds.ts";
import { type Database, startMariadb, startRedis } from "./databases.ts";
import { RedisMemory } from "./redis-memory.ts";
import type { ServiceTotals } from "./service-metrics.ts";
import { type SqlWork, sqlWork } from "./sql-work.ts";

const MAIN = new URL("../dist/app/main.js", import.meta.url).pathname;
const POLL_MILLIS = 200;
const READY_MAX_MILLIS = 120_000;
/** Enough for what a million series touch in a minute; the server's default of 128 MB holds a tenth of that. */
const SQL_OPTIONS = ["--innodb-buffer-pool-size=1G", "--innodb-log-file-size=1G", "--userstat=1"];

/** What the receivers run with. */
export interface ReceiversOptions {
  readonly directory: string;
  readonly receiverCount: number;
  readonly settings: Readonly<Record<string, string>>;
}

/** A receiver that runs. */
export interface RunningReceiver {
  readonly url: string;
  readonly liveOrigin: string;
  readonly server: ChildServer;
}

/** CPU seconds so far, by part. */
export interface CpuSeconds {
  /** Of all receivers together. */
  readonly receivers: number;
  readonly redis: number;
  readonly sql: number;
}

/** Sizes on disk, by table. */
export interface TableSize {
  readonly name: string;
  readonly rows: number;
  readonly bytes: number;
}

/** The receivers and their stores, running. */
export class ReceiversUnderLoad {
  readonly memory: RedisMemory;
  readonly commits: CommitWatch;
  readonly #options: ReceiversOptions;
  readonly #redis: Database;
  readonly #sql: Database;
  readonly #connection: Connection;
  #receivers: RunningReceiver[] = [];

  private constructor(
    options: ReceiversOptions,
    redis: Database,
    sql: Database,
    connection: Connection,
    commits: CommitWatch,
  ) {
    this.#options = options;
    this.#redis = redis;
    this.#sql = sql;
    this.#connection = connection;
    this.memory = new RedisMemory(redis.url);
    this.commits = commits;
  }

  /** Starts everything in an empty directory. */
  static async start(options: ReceiversOptions): Promise<ReceiversUnderLoad> {
    if (!existsSync(MAIN)) throw new Error(`${MAIN} is not there: run "npm run build" first`);
    const redis = await startRedis(options.directory);
    const sql = await startMariadb(options.directory, SQL_OPTIONS).catch(async (error: unknown) => {
      await redis.stop();
      throw error;
    });
    const connection = await createConnection({ uri: sql.url, supportBigNumbers: true, bigNumberStrings: true });
    const commits = await CommitWatch.start(sql.url);
    const started = new ReceiversUnderLoad(options, redis, sql, connection, commits);
    try {
      const receivers = Array.from({ length: options.receiverCount }, () => started.startReceiver());
      await Promise.all(receivers);
    } catch (error) {
      await started.stop();
      throw error;
    }
    return started;
  }

  /** Those that run. */
  get receivers(): readonly RunningReceiver[] {
    return this.#receivers;
  }

  /** One more receiver, on ports of its own. */
  async startReceiver(): Promise<RunningReceiver> {
    const [port, bridgePort] = [await unusedPort(), await unusedPort()];
    const liveOrigin = `http://127.0.0.1:${bridgePort}`;
    const server = await startChildServer({
      command: process.execPath,
      commandArguments: [MAIN, "serve"],
      environment: {
        REDIS_URL: this.#redis.url,
        MYSQL_URL: this.#sql.url,
        OTLP_PORT: String(port),
        BRIDGE_PORT: String(bridgePort),
        DATA_DIR: join(this.#options.directory, "data"),
        ...this.#options.settings,
      },
      ready: () => answers(`${liveOrigin}/readyz`),
      maxStartMillis: READY_MAX_MILLIS,
    });
    const receiver = { url: `http://127.0.0.1:${port}/v1/metrics`, liveOrigin, server };
    this.#receivers.push(receiver);
    return receiver;
  }

  /** Kills a receiver, which can do nothing more. */
  kill(receiver: RunningReceiver): void {
    process.kill(receiver.server.pid, "SIGKILL");
    this.#receivers = this.#receivers.filter((one) => one !== receiver);
  }

  /** What its processes have cost so far. */
  cpuSeconds(): CpuSeconds {
    return {
      receivers: processCost(...this.#receivers.map(({ server }) => server.pid)).cpuSeconds,
      redis: processCost(this.#redis.pid).cpuSeconds,
      sql: processCost(this.#sql.pid).cpuSeconds,
    };
  }

  /** The highest resident set of the largest receiver, bytes. */
  get peakBytes(): number {
    return Math.max(...this.#receivers.map(({ server }) => processCost(server.pid).peakBytes));
  }

  /** What the SQL server has written so far. */
  sqlWork(): Promise<SqlWork> {
    return sqlWork(this.#connection);
  }

  /**
   * Waits until so many points are in SQL, those included that were recognised as sent before: of a request that was answered 503
   * the log may have had its entry all the same. Rejects when they are not after `maxMillis`.
   */
  async untilPersisted(points: number, maxMillis: number): Promise<void> {
    const deadline = performance.now() + maxMillis;
    for (;;) {
      const query = "SELECT SUM(points) AS points, SUM(points_duplicate) AS repeated FROM receiver_minute";
      const [[row]] = await this.#connection.query<RowDataPacket[]>(query);
      const [persisted, repeated] = [Number(row?.["points"] ?? 0), Number(row?.["repeated"] ?? 0)];
      if (persisted + repeated >= points) return;
      if (performance.now() > deadline) {
        throw new Error(`${persisted} points and ${repeated} repetitions are in SQL, expected ${points}`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLIS));
    }
  }

  /** Compares the totals of the load in SQL with what was sent; every difference in one line, empty when they are equal. */
  async differences(sent: ServiceTotals): Promise<string[]> {
    const expected: Readonly<Record<string, number>> = {
      requests: sent.requests,
      bytes_in: sent.requestBodyBytes,
      bytes_out: sent.responseBodyBytes,
      wire_bytes_in: sent.wireBytesIn,
      wire_bytes_out: sent.wireBytesOut,
    };
    const differences: string[] = [];
    const columns = Object.keys(expected).map((column) => `SUM(${column}) AS ${column}`);
    for (const table of ["metrics_minute", "metrics_hourly", "metrics_daily"]) {
      // What exceeds the series limit has no service: it counts all the same. Markers alone are left out.
      const [rows] = await this.#connection.query<RowDataPacket[]>(
        `SELECT ${columns.join(", ")} FROM ${table} JOIN series USING (series_id) WHERE service NOT LIKE 'marker-%'`,
      );
      for (const [column, value] of Object.entries(expected)) {
        const actual = Number(rows[0]?.[column] ?? 0);
        if (actual !== value) differences.push(`${table}.${column} is ${actual}, sent were ${value}`);
      }
    }
    return differences;
  }

  /** What the tables take on disk, by the server's own estimate. */
  async tableSizes(): Promise<readonly TableSize[]> {
    const names = ["metrics_minute", "metrics_hourly", "metrics_daily", "counter_state", "series"];
    const sizes: TableSize[] = [];
    for (const name of names) {
      await this.#connection.query(`ANALYZE TABLE ${name}`);
      const [found] = await this.#connection.query<RowDataPacket[]>(
        "SELECT data_length + index_length AS bytes FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?",
        [name],
      );
      const rows = await this.#number(`SELECT COUNT(*) AS value FROM ${name}`);
      sizes.push({ name, rows, bytes: Number(found[0]?.["bytes"] ?? 0) });
    }
    return sizes;
  }

  /** Ends everything. */
  async stop(): Promise<void> {
    this.memory.end();
    this.commits.end();
    this.#connection.destroy();
    await Promise.all(this.#receivers.map(({ server }) => server.stop()));
    await Promise.all([this.#redis.stop(), this.#sql.stop()]);
  }

  async #number(query: string): Promise<number> {
    const [rows] = await this.#connection.query<RowDataPacket[]>(query);
    return Number(rows[0]?.["value"] ?? 0);
  }
}
