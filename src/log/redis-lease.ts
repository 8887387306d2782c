/**
 * Says which receiver folds a shard, by a key in Redis that expires. Exactness does not rest on it: see `ShardLease`.
 */
import type { ShardLease } from "../model/shard-lease.ts";
import type { RedisRoute } from "./redis-route.ts";
import { RedisScript } from "./redis-script.ts";

/** KEYS[1] the lease; ARGV: token, milliseconds. Returns 1 when the token holds it now. */
const HOLD_SCRIPT = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
return 0
`;

/** KEYS[1] the lease; ARGV: token. Another's lease is left alone. */
const RELEASE_SCRIPT = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`;

/** What a {@link RedisLease} is made of. */
export interface RedisLeaseOptions {
  readonly redis: RedisRoute;
  readonly shard: number;
  /** Tells this process from every other: random, such as a UUID. */
  readonly token: string;
  /** Told of every fault; meanwhile the lease counts as not held. */
  readonly onError?: (error: unknown) => void;
}

/** The lease of one shard in Redis. */
export class RedisLease implements ShardLease {
  readonly #key: string;
  readonly #token: string;
  readonly #hold: RedisScript;
  readonly #release: RedisScript;
  readonly #onError: ((error: unknown) => void) | undefined;

  /** Sends nothing yet. */
  constructor(options: RedisLeaseOptions) {
    this.#key = `otel-bandwidth:{${options.shard}}:owner`;
    this.#token = options.token;
    this.#hold = new RedisScript(options.redis, HOLD_SCRIPT);
    this.#release = new RedisScript(options.redis, RELEASE_SCRIPT);
    this.#onError = options.onError;
  }

  async hold(ttlMillis: number): Promise<boolean> {
    try {
      return (await this.#hold.run([this.#key], [this.#token, Math.max(1, Math.round(ttlMillis))])) === 1;
    } catch (error) {
      this.#onError?.(error);
      return false;
    }
  }

  async release(): Promise<void> {
    try {
      await this.#release.run([this.#key], [this.#token]);
    } catch (error) {
      // It expires by itself.
      this.#onError?.(error);
    }
  }
}
