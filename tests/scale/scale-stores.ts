/** What receivers store in during the scale runs: a Redis Cluster and SQL, started once and emptied for every cycle. */
import { setTimeout as pause } from "node:timers/promises";
import type { Journal } from "../faults/journal.ts";
import { emptyTables, type Stores } from "../faults/stores.ts";
import { mysqlTotals } from "../faults/stored-totals.ts";
import type { Totals } from "../faults/totals.ts";
import { askRedis } from "../support/redis-ask.ts";
import { type RedisCluster, type RedisClusterNode, startRedisCluster } from "../support/redis-cluster.ts";
import { type ScaleSql, type SqlKind, startScaleSql } from "./scale-sql.ts";

/** The most shards that a run has. */
export const MOST_SHARDS = 8;

const CAUGHT_UP_MILLIS = 10_000;
const LOOK_MILLIS = 5;

/** The servers. */
export class ScaleServers {
  readonly cluster: RedisCluster;
  readonly sql: ScaleSql;
  #databaseUrl: string | undefined;

  private constructor(cluster: RedisCluster, sql: ScaleSql) {
    this.cluster = cluster;
    this.sql = sql;
  }

  /** Starts all of them. Rejects when there are none to run. */
  static async start(kind: SqlKind): Promise<ScaleServers> {
    const [cluster, sql] = await Promise.allSettled([startRedisCluster(), startScaleSql(kind)]);
    if (cluster.status === "fulfilled" && sql.status === "fulfilled") return new ScaleServers(cluster.value, sql.value);
    if (cluster.status === "fulfilled") await cluster.value.remove();
    if (sql.status === "fulfilled") await sql.value.stop();
    throw cluster.status === "rejected" ? cluster.reason : (sql as PromiseRejectedResult).reason;
  }

  /** Has everything in order and empty for a cycle. `waitReplicas`: `REDIS_WAIT_REPLICAS` of its receivers. */
  async open(waitReplicas: number): Promise<ScaleStores> {
    await Promise.all([this.cluster.ok(this.cluster.nodes.length), this.sql.ok()]);
    for (const node of await primariesOf(this.cluster)) await askRedis(node.port, "FLUSHALL");
    if (this.#databaseUrl === undefined) this.#databaseUrl = await this.sql.createDatabase();
    else await emptyTables(await this.sql.primaryUrl(this.#databaseUrl));
    return new ScaleStores(this.cluster, this.sql, this.#databaseUrl, waitReplicas);
  }

  /** Ends them and deletes their data. */
  async stop(): Promise<void> {
    await Promise.all([this.cluster.remove(), this.sql.stop()]);
  }
}

/** The stores of one cycle. */
export class ScaleStores implements Stores {
  readonly kind = "servers";
  readonly cluster: RedisCluster;
  readonly sql: ScaleSql;
  readonly databaseUrl: string;
  readonly waitReplicas: number;

  constructor(cluster: RedisCluster, sql: ScaleSql, databaseUrl: string, waitReplicas: number) {
    this.cluster = cluster;
    this.sql = sql;
    this.databaseUrl = databaseUrl;
    this.waitReplicas = waitReplicas;
  }

  environment(): Readonly<Record<string, string>> {
    return {
      REDIS_URL: this.cluster.url,
      MYSQL_URL: this.databaseUrl,
      REDIS_WAIT_REPLICAS: String(this.waitReplicas),
    };
  }

  async totals(): Promise<Totals> {
    return mysqlTotals(await this.sql.primaryUrl(this.databaseUrl));
  }

  async pendingEntries(): Promise<number> {
    let entries = 0;
    await this.#eachShard("XLEN", "log", (reply) => (entries += Number(reply.slice(1))));
    return entries;
  }

  async expireLeases(): Promise<void> {
    for (const key of ["owner", "receivers"]) await this.#eachShard("DEL", key, () => undefined);
  }

  async close(): Promise<void> {}

  /**
   * What is acknowledged from now on may be lost where receivers do not wait for replicas; what was acknowledged before is on
   * the replica of this primary when this resolves.
   */
  async beginRisk(journal: Journal, primary: RedisClusterNode): Promise<void> {
    if (this.waitReplicas > 0) return;
    journal.atRisk = true;
    await this.replicated(primary);
  }

  /** Resolves when a replica has all that the primary has now. Rejects when that takes too long. */
  async replicated(primary: RedisClusterNode): Promise<void> {
    const wanted = await offsetOf(primary, "master_repl_offset");
    const deadline = Date.now() + CAUGHT_UP_MILLIS;
    while (Date.now() < deadline) {
      for (const replica of await this.cluster.replicasOf(primary)) {
        if ((await offsetOf(replica, "slave_repl_offset")) >= wanted) return;
      }
      await pause(LOOK_MILLIS);
    }
    throw new Error("no replica caught up with its primary");
  }

  async #eachShard(command: string, key: string, take: (reply: string) => void): Promise<void> {
    for (let shard = 0; shard < MOST_SHARDS; shard++) {
      const { port } = await this.cluster.primaryOfShard(shard);
      const reply = await askRedis(port, `${command} otel-bandwidth:{${shard}}:${key}`);
      if (!reply?.startsWith(":"))
        throw new Error(`${command} of shard ${shard} was answered ${reply ?? "by nothing"}`);
      take(reply);
    }
  }
}

/** The primaries that have shards. */
export async function primariesOf(cluster: RedisCluster): Promise<ReadonlySet<RedisClusterNode>> {
  const shards = Array.from({ length: MOST_SHARDS }, (_, shard) => cluster.primaryOfShard(shard));
  return new Set(await Promise.all(shards));
}

async function offsetOf({ port }: RedisClusterNode, name: string): Promise<number> {
  const reply = await askRedis(port, "INFO replication");
  return Number(new RegExp(`${name}:(\\d+)`).exec(reply ?? "")?.[1] ?? -1);
}
