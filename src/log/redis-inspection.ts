/**
 * Looks at a Redis without changing anything: whether it can be reached, which version it is, what it does not keep and
 * what time it thinks it is. `doctor` asks.
 */
import type { Redis } from "ioredis";
import type { Clock } from "../model/clock.ts";
import { messageOf, retryable, success } from "../model/result.ts";
import type { Result } from "../model/result.ts";
import { checkServersDurability } from "./redis-durability.ts";
import type { DurabilityFinding } from "./redis-durability.ts";
import { checkRedisPermissions, type RedisPermissions } from "./redis-permissions.ts";
import type { RedisPrimary, RedisServers } from "./redis-route.ts";
import { openRedis } from "./redis-servers.ts";

/** What is to be looked at. */
export interface RedisInspectionOptions {
  /** As `parseRedisAddress` reads it. */
  readonly url: string;
  /** Authorities (PEM) of its certificate, over TLS. Default: those of Node. */
  readonly certificateAuthority?: string;
  readonly clock: Clock;
  /** The servers of these shards are looked at. Default: that of shard 0. */
  readonly shards?: readonly number[];
  /** How many replicas requests are waited for to be on. Default 0. */
  readonly waitReplicas?: number;
  /** Milliseconds to connect, and for each answer. Default 5000. */
  readonly timeoutMillis?: number;
}

/** What was found of one server. */
export interface RedisPrimaryFacts {
  /** For a person. */
  readonly place: string;
  /** As Redis gives it; `undefined` where it may not be asked. */
  readonly version: string | undefined;
  /** What its user may not do; `undefined` where Redis does not tell. */
  readonly permissions: RedisPermissions | undefined;
  /** How far Redis's clock is ahead of ours, milliseconds; `undefined` where it may not be asked. */
  readonly clockAheadMillis: number | undefined;
}

/** What was found. */
export interface RedisInspection {
  /** Of each server that has one of the shards. */
  readonly primaries: readonly RedisPrimaryFacts[];
  /** Of all of them. */
  readonly findings: readonly DurabilityFinding[];
}

/** Looks. Retryable `unavailable` that says in plain words why Redis cannot be used. */
export function inspectRedis(options: RedisInspectionOptions): Promise<Result<RedisInspection>> {
  return withInspectedRedis(options, async (servers, primaries) => {
    const { shards = [0], waitReplicas = 0 } = options;
    return success({
      primaries: await Promise.all(primaries.map((primary) => look(primary, servers.isCluster, options))),
      findings: await checkServersDurability(servers, shards, waitReplicas),
    });
  });
}

/**
 * Gives `work` connections of its own, and the servers of the shards once each has answered. Retryable `unavailable` that says in plain
 * words why Redis cannot be used.
 */
export async function withInspectedRedis<T>(
  { url, certificateAuthority, clock, shards = [0], timeoutMillis = 5000 }: RedisInspectionOptions,
  work: (servers: RedisServers, primaries: readonly RedisPrimary[]) => Promise<Result<T>>,
): Promise<Result<T>> {
  let failed = (_error: Error): void => undefined;
  const late = new Promise<never>((_resolve, reject) => (failed = reject));
  const servers = openRedis({
    url,
    random: () => 0,
    commandTimeoutMillis: timeoutMillis,
    connectTimeoutMillis: timeoutMillis,
    ...(certificateAuthority !== undefined && { certificateAuthority }),
  });
  const timer = clock.after(timeoutMillis, () => failed(new Error("no answer in time")));
  try {
    const primaries = await Promise.race([servers.primaries(shards), late]);
    timer.clear();
    return await work(servers, primaries);
  } catch (error) {
    return retryable("unavailable", explain(error));
  } finally {
    timer.clear();
    servers.close();
  }
}

async function look(
  { place, redis }: RedisPrimary,
  isCluster: boolean,
  { clock, waitReplicas = 0 }: RedisInspectionOptions,
): Promise<RedisPrimaryFacts> {
  const info = await redis.info("server").catch(() => "");
  return {
    place,
    version: /^redis_version:(\S+)/m.exec(info)?.[1],
    permissions: await checkRedisPermissions(redis, { waits: waitReplicas > 0, isCluster }),
    clockAheadMillis: await clockAhead(redis, clock),
  };
}

async function clockAhead(redis: Redis, clock: Clock): Promise<number | undefined> {
  const before = clock.nowMillis();
  try {
    const [seconds, micros] = await redis.time();
    return Number(seconds) * 1000 + Number(micros) / 1000 - (before + clock.nowMillis()) / 2;
  } catch {
    return undefined;
  }
}

function explain(error: unknown): string {
  const text = messageOf(error);
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const meaning = EXPLANATIONS.find(([sign]) => text.includes(sign) || code === sign)?.[1];
  return meaning === undefined ? text : `${meaning} (${text})`;
}

const EXPLANATIONS: readonly (readonly [sign: string, meaning: string])[] = [
  ["WRONGPASS", "the user or the password in REDIS_URL is wrong"],
  ["invalid password", "the password in REDIS_URL is wrong"],
  ["NOAUTH", "Redis asks for a password: put it into REDIS_URL, as redis://:password@host"],
  ["NOPERM", "the user in REDIS_URL lacks permissions"],
  ["ECONNREFUSED", "nothing listens there: start Redis, or correct host and port in REDIS_URL"],
  ["ENOTFOUND", "there is no such host: correct REDIS_URL"],
  ["EAI_AGAIN", "the host's name could not be looked up: correct REDIS_URL, or mend the name service"],
  ["ETIMEDOUT", "no answer: look for a firewall between here and Redis"],
  ["no answer in time", "no answer: look for a firewall between here and Redis, or for a Redis that is stuck"],
  ["LOADING", "Redis is still loading its data: try again in a while"],
  ["wrong version number", "Redis does not speak TLS there: use redis:// instead of rediss://"],
  ["certificate", "the certificate of Redis is not trusted: set REDIS_CA_FILE to its authority's"],
  ["cluster support disabled", "this Redis is not in a cluster: use redis:// instead of redis+cluster://"],
  ["unknown command 'sentinel'", "no Sentinel listens there: name Sentinels, or use redis:// without +sentinel"],
  ["All sentinels are unreachable", "no Sentinel knows a primary of this name: correct it in REDIS_URL"],
];
