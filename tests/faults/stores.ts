/** What receivers store in during a run: servers of our own behind proxies, or a folder. */
import { mkdtemp, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Redis } from "ioredis";
import { createConnection } from "mysql2/promise";
import { startPrivateMariadb } from "../support/mariadb-server.ts";
import { startMysql97 } from "../support/mysql97.ts";
import { connectedRedis } from "../support/redis-client.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import type { PrivateSqlServer } from "../support/sql-server.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { mysqlTotals, sqliteTotals } from "./stored-totals.ts";
import type { Totals } from "./totals.ts";

/** The two ways a receiver is run. */
export type BackendKind = "servers" | "embedded";

/** What one run stores in. */
export interface Stores {
  readonly kind: BackendKind;
  /** The settings of a receiver, by its number. */
  environment(receiver: number): Readonly<Record<string, string>>;
  /** What is stored. */
  totals(): Promise<Totals>;
  /** Entries in the logs that were not folded yet. */
  pendingEntries(): Promise<number>;
  /** Lets the leases of receivers that are gone run out at once, as if their time were over. */
  expireLeases(): Promise<void>;
  /** Ends what belongs to this run alone. */
  close(): Promise<void>;
}

/** Shards of every run. */
export const SHARDS = 2;

/** The user of receivers on servers: may do everything in its database and nothing else. */
const USER = "receiver";

interface Opening {
  readonly redis?: RedisServer;
  readonly sql?: PrivateSqlServer;
  readonly isNew?: boolean;
}

/** A Redis and a SQL server, used by one run after the other. */
export class Servers {
  readonly redis: RedisServer;
  readonly sql: PrivateSqlServer;
  #databaseUrl: string | undefined;

  private constructor(redis: RedisServer, sql: PrivateSqlServer) {
    this.redis = redis;
    this.sql = sql;
  }

  /** Starts both. Rejects when there is none to run. */
  static async start(sql: "mariadb" | "mysql97" = "mariadb"): Promise<Servers> {
    const [redis, server] = await Promise.all([
      startRedisServer(),
      sql === "mariadb" ? startPrivateMariadb() : startMysql97(),
    ]);
    return new Servers(redis, server);
  }

  /**
   * Empties Redis and a database for a run. Making the tables and their partitions takes the longest, so one database serves
   * run after run; `isNew`: one that no migration has seen. Servers that are given are used instead of those here.
   */
  async open(
    receivers: number,
    { redis = this.redis, sql = this.sql, isNew = false }: Opening = {},
  ): Promise<ServerStores> {
    const connection = await connectedRedis(redis.url);
    await connection.flushall();
    connection.disconnect();
    if (isNew || sql !== this.sql) return await ServerStores.open(redis, sql, await sql.createDatabase(), receivers);
    if (this.#databaseUrl === undefined) this.#databaseUrl = await sql.createDatabase();
    else await emptyTables(this.#databaseUrl);
    return await ServerStores.open(redis, sql, this.#databaseUrl, receivers);
  }

  /** Ends both. */
  async stop(): Promise<void> {
    await Promise.all([this.redis.remove(), this.sql.stop()]);
  }
}

/** The stores of a run on servers. */
export class ServerStores implements Stores {
  readonly kind = "servers";
  /** The one that is the primary now. */
  redis: RedisServer;
  readonly sql: PrivateSqlServer;
  /** The database, for a user who may do everything. */
  readonly databaseUrl: string;
  /** Between each receiver and Redis, by the receiver's number. */
  readonly redisProxies: readonly TcpProxy[];
  /** Between each receiver and the SQL server. */
  readonly sqlProxies: readonly TcpProxy[];

  private constructor(
    redis: RedisServer,
    sql: PrivateSqlServer,
    databaseUrl: string,
    redisProxies: readonly TcpProxy[],
    sqlProxies: readonly TcpProxy[],
  ) {
    this.redis = redis;
    this.sql = sql;
    this.databaseUrl = databaseUrl;
    this.redisProxies = redisProxies;
    this.sqlProxies = sqlProxies;
  }

  /** `databaseUrl`: the database, for a user who may do everything. */
  static async open(
    redis: RedisServer,
    sql: PrivateSqlServer,
    databaseUrl: string,
    receivers: number,
  ): Promise<ServerStores> {
    const database = new URL(databaseUrl).pathname.slice(1);
    await withSql(databaseUrl, async (connection) => {
      await connection.query(`CREATE USER IF NOT EXISTS '${USER}'@'127.0.0.1' IDENTIFIED BY ''`);
      await connection.query(`GRANT ALL PRIVILEGES ON ${database}.* TO '${USER}'@'127.0.0.1'`);
    });
    const proxies = (port: number): Promise<TcpProxy[]> =>
      Promise.all(Array.from({ length: receivers }, () => startTcpProxy(port)));
    return new ServerStores(redis, sql, databaseUrl, await proxies(redis.port), await proxies(sql.port));
  }

  environment(receiver: number): Readonly<Record<string, string>> {
    const url = new URL(this.databaseUrl);
    url.username = USER;
    url.port = String(this.sqlProxies[receiver]!.port);
    return { REDIS_URL: `redis://127.0.0.1:${this.redisProxies[receiver]!.port}`, MYSQL_URL: url.href };
  }

  totals(): Promise<Totals> {
    return mysqlTotals(this.databaseUrl);
  }

  async pendingEntries(): Promise<number> {
    return await this.withRedis(async (redis) => {
      let entries = 0;
      for (let shard = 0; shard < SHARDS; shard++) entries += await redis.xlen(`otel-bandwidth:{${shard}}:log`);
      return entries;
    });
  }

  async expireLeases(): Promise<void> {
    await this.withRedis(async (redis) => {
      for (let shard = 0; shard < SHARDS; shard++) {
        // With who stood for it: else it would be left for those that are gone.
        await redis.del(`otel-bandwidth:{${shard}}:owner`, `otel-bandwidth:{${shard}}:receivers`);
      }
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.redisProxies, ...this.sqlProxies].map((proxy) => proxy.close()));
  }

  /** Gives `work` a connection to Redis that no fault is put upon. */
  async withRedis<T>(work: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = await connectedRedis(this.redis.url);
    try {
      return await work(redis);
    } finally {
      redis.disconnect();
    }
  }
}

/** Leaves the tables and what was migrated. */
export async function emptyTables(url: string): Promise<void> {
  await withSql(url, async (connection) => {
    const [tables] = await connection.query(
      `SELECT TABLE_NAME AS name FROM information_schema.TABLES
       WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME <> 'schema_migrations'`,
    );
    for (const { name } of tables as { name: string }[]) await connection.query(`DELETE FROM ${name}`);
    await connection.query("INSERT INTO shard_layout VALUES (1, 1, 0, 0, 0)");
  });
}

type SqlConnection = Awaited<ReturnType<typeof createConnection>>;

/** Gives `work` a connection to SQL that no fault is put upon. */
export async function withSql<T>(url: string, work: (connection: SqlConnection) => Promise<T>): Promise<T> {
  const connection = await createConnection({ uri: url });
  try {
    return await work(connection);
  } finally {
    await connection.end().catch(() => undefined);
  }
}

/** The stores of a run of an embedded receiver. */
export class EmbeddedStores implements Stores {
  readonly kind = "embedded";
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** `parentFolder`: where its folder is made, else the temporary folder. */
  static async open(parentFolder: string = tmpdir()): Promise<EmbeddedStores> {
    return new EmbeddedStores(await mkdtemp(join(parentFolder, "otel-bandwidth-faults-")));
  }

  environment(): Readonly<Record<string, string>> {
    return { DATA_DIR: this.folder };
  }

  totals(): Promise<Totals> {
    return sqliteTotals(join(this.folder, "bandwidth.db"));
  }

  async pendingEntries(): Promise<number> {
    const file = join(this.folder, "ingest-log.db");
    if (!existsSync(file)) return 0;
    const database = new DatabaseSync(file, { readOnly: true });
    try {
      return Number(database.prepare("SELECT COUNT(*) AS entries FROM ingest_log").get()?.["entries"]);
    } finally {
      database.close();
    }
  }

  async expireLeases(): Promise<void> {}

  async close(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
