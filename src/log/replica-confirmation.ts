/**
 * Log: has writes confirmed by replicas before they are answered. Redis replicates asynchronously; a fail-over to a replica
 * that confirmed a write keeps it.
 */
import type { Redis } from "ioredis";
import { retryable, success } from "../model/result.ts";
import type { Result } from "../model/result.ts";
import type { RedisRoute } from "./redis-route.ts";
import { RedisScript } from "./redis-script.ts";

/** What a {@link ReplicaConfirmation} asks for. */
export interface ReplicaConfirmationOptions {
  /** Over a connection of its own: Redis holds it still while it waits, and with it whatever else is sent on it. */
  readonly redis: RedisRoute;
  /** How many replicas must have a write; at least 1. */
  readonly replicas: number;
  /** How long they may take, milliseconds: less than the connection's command timeout. Default 1000. */
  readonly maxWaitMillis?: number;
}

const DEFAULT_MAX_WAIT_MILLIS = 1000;
/** A replica that has not confirmed by then is asked again. */
const FIRST_TURN_MILLIS = 10;

/**
 * KEYS[1] is written so that something follows all that was written before. DEL comes first: at maxmemory Redis refuses a
 * script's first write if that could grow, and what the log holds must be readable then, or it could never be trimmed.
 */
const MARK_SCRIPT = `
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], '1')
return 'OK'
`;

/**
 * Waits with WAITAOF until replicas have flushed what was written to their append-only files, or, before Redis 7.2, with WAIT
 * until they have it in memory (https://redis.io/docs/latest/commands/waitaof/).
 */
export class ReplicaConfirmation {
  readonly #options: ReplicaConfirmationOptions;
  readonly #mark: RedisScript;
  #knowsWaitAof = true;

  /** Sends nothing yet. */
  constructor(options: ReplicaConfirmationOptions) {
    this.#options = options;
    this.#mark = new RedisScript(options.redis, MARK_SCRIPT);
  }

  /**
   * Does a write on this connection and gives what it returned once enough replicas have it. Retryable `unavailable` when they
   * do not have it in time: then it may be kept all the same. Rejects with the driver's error.
   */
  async confirmed<T>(write: (redis: Redis) => Promise<T>): Promise<Result<T>> {
    return await this.#options.redis.run((redis) => this.#confirmedOn(redis, write));
  }

  /** Whether enough replicas have all that was written by anyone until now; `key` is written for it. Fails as {@link confirmed}. */
  async allWrites(key: string): Promise<Result<unknown>> {
    return await this.confirmed((redis) => this.#mark.runOn(redis, [key], []));
  }

  async #confirmedOn<T>(redis: Redis, write: (redis: Redis) => Promise<T>): Promise<Result<T>> {
    const { replicas, maxWaitMillis = DEFAULT_MAX_WAIT_MILLIS } = this.#options;
    const { stream } = redis;
    const written = await write(redis);
    const confirmed = await this.#wait(redis, replicas, maxWaitMillis);
    // On another connection nothing was written yet, and Redis has nothing to wait for.
    if (redis.stream !== stream)
      return retryable("unavailable", "the connection to Redis was lost while replicas were waited for");
    if (confirmed >= replicas) return success(written);
    return retryable(
      "unavailable",
      `${confirmed} of ${replicas} replicas of Redis confirmed the write within ${maxWaitMillis} ms`,
    );
  }

  async #wait(redis: Redis, replicas: number, maxWaitMillis: number): Promise<number> {
    if (this.#knowsWaitAof) {
      try {
        return await waitForFiles(redis, replicas, maxWaitMillis);
      } catch (error) {
        if (!(error instanceof Error && /unknown command/i.test(error.message))) throw error;
        this.#knowsWaitAof = false;
      }
    }
    return Number(await redis.call("WAIT", replicas, maxWaitMillis));
  }
}

/**
 * How many replicas have flushed what this connection has written. A replica that is asked before it has flushed says so, and then
 * says nothing for up to a second: so it is asked again, soon at first.
 */
async function waitForFiles(redis: Redis, replicas: number, maxWaitMillis: number): Promise<number> {
  let confirmed = 0;
  for (let left = maxWaitMillis, turn = FIRST_TURN_MILLIS; left > 0 && confirmed < replicas; turn *= 2) {
    const wait = Math.min(turn, left);
    left -= wait;
    // 0: whether the primary flushes is a matter of its appendfsync.
    const reply = (await redis.call("WAITAOF", 0, replicas, wait)) as readonly [number, number];
    confirmed = reply[1];
  }
  return confirmed;
}
