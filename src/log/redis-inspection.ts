/**
 * Looks at a Redis without changing anything: whether it can be reached, which version it is, what it does not keep and
 * what time it thinks it is. `doctor` asks.
 */
import type { Redis } from "ioredis";
import type { Clock } from "../model/clock.ts";
import { messageOf, retryable, success } from "../model/result.ts";
import type { Result } from "../model/result.ts";
import { connectRedis } from "./redis-connection.ts";
import { checkRedisDurability } from "./redis-durability.ts";
import type { DurabilityFinding } from "./redis-durability.ts";
import { checkRedisPermissions, type RedisPermissions } from "./redis-permissions.ts";

/** What is to be looked at. */
export interface RedisInspectionOptions {
  readonly url: string;
  readonly clock: Clock;
  /** How many replicas requests are waited for to be on. Default 0. */
  readonly waitReplicas?: number;
  /** Milliseconds to connect, and for each answer. Default 5000. */
  readonly timeoutMillis?: number;
}

/** What was found. */
export interface RedisInspection {
  /** As Redis gives it; `undefined` where it may not be asked. */
  readonly version: string | undefined;
  readonly findings: readonly DurabilityFinding[];
  /** What its user may not do; `undefined` where Redis does not tell. */
  readonly permissions: RedisPermissions | undefined;
  /** How far Redis's clock is ahead of ours, milliseconds; `undefined` where it may not be asked. */
  readonly clockAheadMillis: number | undefined;
}

/** Looks. Retryable `unavailable` that says in plain words why Redis cannot be used. */
export function inspectRedis(options: RedisInspectionOptions): Promise<Result<RedisInspection>> {
  return withInspectedRedis(options, async (redis) => success(await look(redis, options)));
}

/** Gives `work` a connection of its own. Retryable `unavailable` that says in plain words why Redis cannot be used. */
export async function withInspectedRedis<T>(
  { url, clock, timeoutMillis = 5000 }: RedisInspectionOptions,
  work: (redis: Redis) => Promise<Result<T>>,
): Promise<Result<T>> {
  let failed = (_error: Error): void => undefined;
  const fault = new Promise<Error>((resolve) => (failed = resolve));
  const redis = connectRedis({
    url,
    random: () => 0,
    commandTimeoutMillis: timeoutMillis,
    connectTimeoutMillis: timeoutMillis,
    onError: (error) => failed(error),
  });
  const timer = clock.after(timeoutMillis, () => failed(new Error("no answer in time")));
  try {
    const ready = new Promise<undefined>((resolve) => void redis.once("ready", () => resolve(undefined)));
    const error = await Promise.race([ready, fault]);
    return error === undefined ? await work(redis) : retryable("unavailable", explain(error));
  } catch (error) {
    return retryable("unavailable", explain(error));
  } finally {
    timer.clear();
    redis.disconnect();
  }
}

async function look(redis: Redis, { clock, waitReplicas = 0 }: RedisInspectionOptions): Promise<RedisInspection> {
  const info = await redis.info("server").catch(() => "");
  const version = /^redis_version:(\S+)/m.exec(info)?.[1];
  return {
    version,
    findings: await checkRedisDurability(redis, waitReplicas),
    permissions: await checkRedisPermissions(redis, waitReplicas > 0),
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
  ["certificate", "the certificate of Redis is not trusted: set NODE_EXTRA_CA_CERTS to its authority's"],
];
