/**
 * Says which receiver folds a shard, by a key in Redis that expires. Exactness does not rest on it: see `ShardLease`.
 */
import type { LeaseView, ShardLease } from "../model/shard-lease.ts";
import type { RedisRoute } from "./redis-route.ts";
import { RedisScript } from "./redis-script.ts";

/**
 * KEYS[1] the lease, KEYS[2] who stands for it and until when by Redis' clock; ARGV: token, milliseconds. Returns "held", "taken" or "free",
 * then who stands. What cannot grow comes first: at maxmemory Redis refuses a script's first write if that could.
 */
const STAND_SCRIPT = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local holder = redis.call('GET', KEYS[1])
if holder == ARGV[1] then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now))
redis.call('ZADD', KEYS[2], string.format('%.0f', now + ARGV[2]), ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
local reply = redis.call('ZRANGE', KEYS[2], 0, -1)
table.insert(reply, 1, holder == ARGV[1] and 'held' or holder and 'taken' or 'free')
return reply
`;

/**
 * KEYS[1] the lease; ARGV: token, milliseconds. Returns 1 when the token holds it now. DEL of nothing comes first for the same reason:
 * who owns a shard frees memory.
 */
const HOLD_SCRIPT = `
local holder = redis.call('GET', KEYS[1])
if holder == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
if holder then return 0 end
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`;

/** KEYS[1] the lease, KEYS[2], if given, who stands for it; ARGV: token. Another's lease is left alone. */
const RELEASE_SCRIPT = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
if KEYS[2] then redis.call('ZREM', KEYS[2], ARGV[1]) end
return 1
`;

/** What a {@link RedisLease} is made of. */
export interface RedisLeaseOptions {
  readonly redis: RedisRoute;
  readonly shard: number;
  /** Tells this receiver from every other: random, such as a UUID, and the same for all of its shards. */
  readonly token: string;
  /** Told of every fault; meanwhile the lease counts as not held. */
  readonly onError?: (error: unknown) => void;
  /** Told whenever the lease was found held, or was taken if it was free: it works. */
  readonly onWorking?: () => void;
}

/** The lease of one shard in Redis. */
export class RedisLease implements ShardLease {
  readonly #key: string;
  readonly #standing: string;
  readonly #token: string;
  readonly #stand: RedisScript;
  readonly #hold: RedisScript;
  readonly #release: RedisScript;
  readonly #onError: ((error: unknown) => void) | undefined;
  readonly #onWorking: (() => void) | undefined;

  /** Sends nothing yet. */
  constructor(options: RedisLeaseOptions) {
    this.#key = `otel-bandwidth:{${options.shard}}:owner`;
    this.#standing = `otel-bandwidth:{${options.shard}}:receivers`;
    this.#token = options.token;
    this.#stand = new RedisScript(options.redis, STAND_SCRIPT);
    this.#hold = new RedisScript(options.redis, HOLD_SCRIPT);
    this.#release = new RedisScript(options.redis, RELEASE_SCRIPT);
    this.#onError = options.onError;
    this.#onWorking = options.onWorking;
  }

  async stand(ttlMillis: number): Promise<LeaseView> {
    try {
      const values = [this.#token, Math.max(1, Math.round(ttlMillis))];
      const reply = (await this.#stand.run([this.#key, this.#standing], values)) as readonly string[];
      const state = reply[0] as LeaseView["state"];
      if (state !== "free") this.#onWorking?.();
      return { state, candidates: reply.slice(1).sort() };
    } catch (error) {
      this.#onError?.(error);
      return { state: "unknown", candidates: [] };
    }
  }

  async hold(ttlMillis: number): Promise<boolean> {
    try {
      const held = await this.#hold.run([this.#key], [this.#token, Math.max(1, Math.round(ttlMillis))]);
      this.#onWorking?.();
      return held === 1;
    } catch (error) {
      this.#onError?.(error);
      return false;
    }
  }

  handOver(): Promise<void> {
    return this.#giveUp([this.#key]);
  }

  release(): Promise<void> {
    return this.#giveUp([this.#key, this.#standing]);
  }

  async #giveUp(keys: readonly string[]): Promise<void> {
    try {
      await this.#release.run(keys, [this.#token]);
    } catch (error) {
      // It expires by itself.
      this.#onError?.(error);
    }
  }
}
