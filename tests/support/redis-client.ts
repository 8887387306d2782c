/** Connections to Redis for tests. */
import type { Redis } from "ioredis";
import { connectRedis } from "../../src/log/redis-connection.ts";
import type { RedisConnectionOptions } from "../../src/log/redis-connection.ts";

/** Connects as the project does, and resolves when the connection is ready. Quick to try again. */
export async function connectedRedis(url: string, options: Partial<RedisConnectionOptions> = {}): Promise<Redis> {
  const redis = connectRedis({
    url,
    commandTimeoutMillis: 2000,
    maxReconnectDelayMillis: 50,
    random: () => 0.5,
    ...options,
  });
  await ready(redis);
  return redis;
}

/** Resolves when the connection is ready, now or later. */
export async function ready(redis: Redis): Promise<void> {
  if (redis.status === "ready") return;
  await new Promise<void>((resolve) => redis.once("ready", () => resolve()));
}

/** Resolves when the connection is made the next time. */
export async function readyAgain(redis: Redis): Promise<void> {
  await new Promise<void>((resolve) => redis.once("ready", () => resolve()));
}
