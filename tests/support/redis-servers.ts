/** The Redis of all shards, for tests: one server, behind Sentinels, or a cluster. */
import type { RedisRoute, RedisServers } from "../../src/log/redis-route.ts";
import { openRedis, type RedisServersOptions } from "../../src/log/redis-servers.ts";

/** Opens as the project does, quick to try again. */
export function openedRedis(url: string, options: Partial<RedisServersOptions> = {}): RedisServers {
  return openRedis({ url, commandTimeoutMillis: 2000, maxReconnectDelayMillis: 100, random: Math.random, ...options });
}

/** The route, once its server answers. */
export async function ready<T extends RedisRoute>(route: T): Promise<T> {
  for (;;) {
    try {
      await route.run((redis) => redis.ping());
      return route;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
