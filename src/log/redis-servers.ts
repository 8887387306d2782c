/**
 * Log: the Redis that `REDIS_URL` names, whether one server, what Sentinels lead to, or a cluster.
 */
import type { Redis } from "ioredis";
import { describeRedisAddress, parseRedisAddress, type RedisAddress } from "./redis-address.ts";
import { RedisCluster } from "./redis-cluster.ts";
import { connectTo, reached, type RedisConnectionBehaviour } from "./redis-connection.ts";
import {
  fixedRoute,
  type OwnRedisRoute,
  type RedisPrimary,
  type RedisRoute,
  type RedisServers,
} from "./redis-route.ts";

/** Where the Redis is, and how connections to it behave. */
export interface RedisServersOptions extends RedisConnectionBehaviour {
  /** As `parseRedisAddress` reads it. */
  readonly url: string;
}

/** Begins to connect and returns at once. Throws a TypeError for an address that is not one. */
export function openRedis({ url, ...behaviour }: RedisServersOptions): RedisServers {
  const address = parseRedisAddress(url);
  if (address.kind !== "success") throw new TypeError(`expected ${address.reason}`);
  return address.value.kind === "cluster"
    ? new RedisCluster(address.value, behaviour)
    : new SingleRedis(address.value, behaviour);
}

/** One server at a time, behind one connection. */
class SingleRedis implements RedisServers {
  readonly isCluster: boolean = false;
  readonly #address: RedisAddress;
  readonly #behaviour: RedisConnectionBehaviour;
  readonly #redis: Redis;
  readonly #route: RedisRoute;

  constructor(address: RedisAddress, behaviour: RedisConnectionBehaviour) {
    this.#address = address;
    this.#behaviour = behaviour;
    this.#redis = connectTo(address, behaviour);
    this.#route = fixedRoute(this.#redis);
  }

  routeTo(): RedisRoute {
    return this.#route;
  }

  ownRouteTo(): OwnRedisRoute {
    const redis = connectTo(this.#address, this.#behaviour);
    return { ...fixedRoute(redis), close: () => redis.disconnect() };
  }

  async primaries(): Promise<readonly RedisPrimary[]> {
    await reached(this.#redis);
    return [{ place: describeRedisAddress(this.#address), redis: this.#redis }];
  }

  close(): void {
    this.#redis.disconnect();
  }
}
