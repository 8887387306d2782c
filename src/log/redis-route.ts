/**
 * Log: how a shard's commands reach the Redis that serves it. In a cluster that is another server from time to time.
 */
import type { Redis } from "ioredis";
import { DEFAULT_COMMAND_TIMEOUT_MILLIS } from "./redis-connection.ts";

/** The way to one shard's Redis. */
export interface RedisRoute {
  /** A command without an answer fails after this time, milliseconds. */
  readonly commandTimeoutMillis: number;
  /** Bytes that wait to be sent. */
  unsentBytes(): number;
  /**
   * Runs `work` with the connection to the server that has the shard, as far as is known. Rejects as `work` does, or because no server
   * is known. Nothing is ever sent again.
   */
  run<T>(work: (redis: Redis) => Promise<T>): Promise<T>;
}

/** The way to a shard whose Redis is always behind one connection, made by `connectRedis`. */
export function fixedRoute(redis: Redis): RedisRoute {
  return {
    commandTimeoutMillis: redis.options.commandTimeout ?? DEFAULT_COMMAND_TIMEOUT_MILLIS,
    unsentBytes: () => unsentBytesOf(redis),
    run: async (work) => await work(redis),
  };
}

/** Bytes that wait to be sent on a connection; 0 while there is none. */
export function unsentBytesOf(redis: Redis): number {
  return redis.stream?.writableLength ?? 0;
}

/** A route over a connection that nothing else uses. */
export interface OwnRedisRoute extends RedisRoute {
  close(): void;
}

/** A server that has shards. */
export interface RedisPrimary {
  /** For a person. */
  readonly place: string;
  readonly redis: Redis;
}

/** The Redis of all shards: one server, what Sentinels lead to, or a cluster. */
export interface RedisServers {
  /** Whether shards may be on different servers. */
  readonly isCluster: boolean;
  /** The way to a shard, over connections that all shards share. */
  routeTo(shard: number): RedisRoute;
  /** The way to a shard, over a connection of its own: for what Redis holds a connection still for. */
  ownRouteTo(shard: number): OwnRedisRoute;
  /**
   * The servers that these shards are on, connected. Waits for each to answer, and rejects with the first fault that keeps
   * one from it.
   */
  primaries(shards: readonly number[]): Promise<readonly RedisPrimary[]>;
  /** Ends all connections but those of own routes. */
  close(): void;
}
