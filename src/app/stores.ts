/**
 * Opens what the settings ask for: Redis and MySQL where they are named, else the embedded stores in `DATA_DIR`.
 */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { FaultReports } from "../aggregate/fault-reports.ts";
import { MAX_PENDING_ROWS } from "../aggregate/shard-fold.ts";
import { checkServersDurability } from "../log/redis-durability.ts";
import { openSqliteLogs } from "../log/open-sqlite-logs.ts";
import { redisFault } from "../log/redis-fault.ts";
import { RedisLease } from "../log/redis-lease.ts";
import type { RedisRoute, RedisServers } from "../log/redis-route.ts";
import { openRedis } from "../log/redis-servers.ts";
import { RedisStreamLog } from "../log/redis-stream-log.ts";
import { ONLY_RECEIVER, SingleLease } from "../log/single-lease.ts";
import type { AlertStore } from "../model/alert-store.ts";
import type { Clock } from "../model/clock.ts";
import type { IngestLog } from "../model/ingest-log.ts";
import type { RealtimeStore } from "../model/realtime-store.ts";
import { success, type Result } from "../model/result.ts";
import type { RollupStore } from "../model/rollup-store.ts";
import type { LayoutStore, ShardLayout } from "../model/shard-layout.ts";
import type { ShardLease } from "../model/shard-lease.ts";
import { MemoryRealtimeStore } from "../realtime/memory-realtime-store.ts";
import { RedisRealtimeStore } from "../realtime/redis-realtime-store.ts";
import { mysqlDatabases, mysqlPlace } from "../rollup/mysql-address.ts";
import { checkMysqlCommitSize, type LargestCommit } from "../rollup/mysql-commit-size.ts";
import { checkMysqlDurability } from "../rollup/mysql-durability.ts";
import { MysqlRollupStore } from "../rollup/mysql-rollup-store.ts";
import { openSqliteRollupStore } from "../rollup/sqlite-rollup-store.ts";
import { describeRedis, redisOptions } from "./redis-options.ts";
import type { ReceiverSettings } from "./settings.ts";
import { TotalsDatabases, type WholeTotals } from "./totals-databases.ts";
import { totalsPlaces, type TotalsPlace } from "./totals-places.ts";

/** The log side. */
export interface LogStores {
  /** The shards of a layout. Waits for nothing; there may be one layout after the other. */
  readonly open: (layout: ShardLayout) => LogShards;
  /** Where it is, for a person, without secrets. */
  readonly description: string;
  /** What is not durable, one sentence each: of the servers that the shards of the newest layout are on. */
  readonly warnings: () => Promise<readonly string[]>;
  readonly close: () => Promise<void>;
}

/** Logs, leases and realtime of one layout. */
export interface LogShards {
  /** What this receiver is called among those that stand for shards. */
  readonly receiver: string;
  /** By shard number. */
  readonly logs: readonly IngestLog[];
  readonly leases: readonly ShardLease[];
  readonly realtime: RealtimeStore;
  /** Ends what was opened for this layout alone. */
  readonly close: () => void;
}

/** The SQL side. */
export interface TotalsStore {
  /** What concerns all databases; ends them. */
  readonly store: WholeTotals;
  /** The totals that a shard is counted in. */
  readonly of: (shard: number) => RollupStore;
  /** Over all databases, alerts kept in the first; they end with the store. */
  readonly alerts: AlertStore;
  readonly layouts: LayoutStore;
  /** How many hold the totals together. */
  readonly databases: number;
  readonly description: string;
  /** What is not durable or may be refused, one sentence each; none while it cannot be reached. */
  readonly warnings: () => Promise<readonly string[]>;
}

/** The file of the embedded totals. */
export function embeddedTotalsFile(dataDirectory: string): string {
  return join(dataDirectory, "bandwidth.db");
}

/**
 * Opens the log side. `report` is told of what goes wrong beside the logs and is tried again, one sentence. Failure or retryable when the
 * embedded log cannot be had.
 */
export function openLogStores(settings: ReceiverSettings, report: (message: string) => void): Result<LogStores> {
  return settings.redisUrl === undefined ? openEmbeddedLogs(settings) : openRedisLogs(settings, report);
}

function shardNumbers(shardCount: number): readonly number[] {
  return Array.from({ length: shardCount }, (_, shard) => shard);
}

function openEmbeddedLogs(settings: ReceiverSettings): Result<LogStores> {
  const { dataDirectory, bufferEntries: maxEntries, bufferBytes: maxBytes } = settings;
  const opened = openSqliteLogs({ dataDirectory, limits: { maxEntries, maxBytes }, storage: randomUUID() });
  if (opened.kind !== "success") return opened;
  const realtime = new MemoryRealtimeStore();
  return success({
    open: ({ shardCount, epoch }) => ({
      receiver: ONLY_RECEIVER,
      logs: opened.value.logs(shardCount, epoch),
      leases: shardNumbers(shardCount).map(() => new SingleLease()),
      realtime,
      close: () => undefined,
    }),
    description: `SQLite in ${dataDirectory}`,
    warnings: async () => [],
    close: async () => opened.value.close(),
  });
}

function openRedisLogs(settings: ReceiverSettings, report: (message: string) => void): Result<LogStores> {
  const options = redisOptions(settings);
  if (options.kind !== "success") return options;
  const servers = openRedis({ ...options.value, random: Math.random });
  const receiver = randomUUID();
  const { redisWaitReplicas: replicas } = settings;
  let { shards } = settings;
  return success({
    open: (layout) => {
      shards = layout.shardCount;
      return openRedisShards(settings, layout, receiver, servers, report);
    },
    description: `Redis at ${describeRedis(options.value.url)}`,
    warnings: async () =>
      (await checkServersDurability(servers, shardNumbers(shards), replicas)).map(({ message }) => message),
    close: async () => servers.close(),
  });
}

function openRedisShards(
  settings: ReceiverSettings,
  { epoch, shardCount, previousShardCount }: ShardLayout,
  receiver: string,
  servers: RedisServers,
  report: (message: string) => void,
): LogShards {
  const limits = { maxEntries: settings.bufferEntries, maxBytes: settings.bufferBytes };
  const replicas = settings.redisWaitReplicas;
  const shards = shardNumbers(shardCount);
  // What shards of the layout before did lately is still to be seen.
  const seen = shardNumbers(Math.max(shardCount, previousShardCount));
  // A connection that waits for replicas holds up whatever else is sent on it: each shard has its own then.
  const waiting = replicas === 0 ? [] : shards.map((shard) => servers.ownRouteTo(shard));
  const routeTo = (shard: number): RedisRoute => servers.routeTo(shard);
  return {
    receiver,
    logs: shards.map((shard, at) => {
      const confirmation = waiting[at] && { redis: waiting[at], replicas };
      const redis = routeTo(shard);
      return new RedisStreamLog({ redis, shard, limits, layout: epoch, ...(confirmation && { confirmation }) });
    }),
    leases: shards.map((shard) => openLease(routeTo(shard), shard, receiver, report)),
    realtime: new RedisRealtimeStore({ routeTo, shards: seen, ttlSeconds: settings.realtimeTtlSeconds }),
    close: () => {
      for (const route of waiting) route.close();
    },
  };
}

/** A lease whose faults are told: whoever cannot take it does not fold, and says nothing else. */
function openLease(redis: RedisRoute, shard: number, token: string, report: (message: string) => void): ShardLease {
  const faults = new FaultReports((message) => report(`shard ${shard}: ${message}`));
  let inARow = 0;
  return new RedisLease({
    redis,
    shard,
    token,
    onError: (error) => {
      // The first may only mean that the connection is still being made.
      if (++inARow > 1) faults.failed("lease", `its lease cannot be asked for: ${redisFault(error).reason}`);
    },
    onWorking: () => {
      inARow = 0;
      faults.mended("lease");
    },
  });
}

/** Opens the SQL side. */
export function openTotalsStore(settings: ReceiverSettings, clock: Clock): Result<TotalsStore> {
  if (settings.mysqlUrl !== undefined)
    return success(openMysqlTotals(settings.mysqlUrl, largestCommit(settings), clock));
  const file = embeddedTotalsFile(settings.dataDirectory);
  const opened = openSqliteRollupStore({ file });
  if (opened.kind !== "success") return opened;
  const store = opened.value;
  const { alerts, layouts } = store;
  const description = `SQLite at ${file}`;
  return success({ store, of: () => store, alerts, layouts, databases: 1, description, warnings: async () => [] });
}

/** What one commit may hold, by the settings. */
export function largestCommit({ maxSeries }: ReceiverSettings): LargestCommit {
  return { series: maxSeries, minuteRows: MAX_PENDING_ROWS };
}

function openMysqlTotals(list: string, largest: LargestCommit, clock: Clock): TotalsStore {
  const urls = mysqlDatabases(list);
  const names = urls.map((url) => mysqlPlace(url));
  const store = new TotalsDatabases(
    urls.map((url, position) => new MysqlRollupStore({ url, clock }, { position, count: urls.length })),
    names,
  );
  const warnings = async (): Promise<readonly string[]> => {
    const found = await Promise.all(
      urls.map(async (url) => [
        ...(await checkMysqlDurability({ url, clock })),
        ...(await checkMysqlCommitSize({ url, clock }, largest)),
      ]),
    );
    return urls.length === 1
      ? found[0]!
      : found.flatMap((some, position) => some.map((warning) => `${names[position]}: ${warning}`));
  };
  const description = `MySQL at ${names.join(" and ")}`;
  const { alerts, layouts } = store;
  return { store, of: (shard) => store.of(shard), alerts, layouts, databases: urls.length, description, warnings };
}

/** All databases of the SQL side. */
export function placesOf(settings: ReceiverSettings): readonly TotalsPlace[] {
  return totalsPlaces(settings, embeddedTotalsFile(settings.dataDirectory));
}
