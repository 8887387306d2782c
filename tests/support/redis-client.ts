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

/** The connections of one test, ended together. */
export class TestClients {
  readonly #clients: Redis[] = [];

  /** Connects as {@link connectedRedis} does, with this command timeout. */
  connect = async (url: string, commandTimeoutMillis = 2000): Promise<Redis> => {
    const client = await connectedRedis(url, { commandTimeoutMillis });
    this.#clients.push(client);
    return client;
  };

  /** Ends every connection made since the last call. */
  disconnectAll(): void {
    for (const client of this.#clients.splice(0)) client.disconnect();
  }
}
