/**
 * What is happening now, in Redis: written by each shard's owner, read by every receiver. Two hashes a shard, which expire
 * when their owner falls silent.
 */
import type { ChainableCommander, Redis } from "ioredis";
import { REALTIME_STEP_MILLIS } from "../model/realtime-store.ts";
import type { RealtimeSeries, RealtimeStep, RealtimeStore, RealtimeUpdate } from "../model/realtime-store.ts";
import { messageOf, retryable, success } from "../model/result.ts";
import type { Result } from "../model/result.ts";
import { decodeSeries, decodeStep, encodeSeries, encodeStep } from "./realtime-json.ts";
import { newestOf } from "./newest-series.ts";
import { HISTORY_MILLIS, addUpSteps } from "./steps.ts";

/** The way to the Redis of one shard. */
export interface RealtimeRoute {
  /** Runs `work` with a connection that fails at once while Redis is away. */
  run<T>(work: (redis: Redis) => Promise<T>): Promise<T>;
}

/** What a {@link RedisRealtimeStore} is made of. */
export interface RedisRealtimeStoreOptions {
  /** The way to a shard: in a cluster each may be on another server, and no command concerns two. */
  readonly routeTo: (shard: number) => RealtimeRoute;
  /** The shards that are read. */
  readonly shards: readonly number[];
  /** `REDIS_METRICS_TTL`, seconds. */
  readonly ttlSeconds: number;
  /** Updates of a shard between two searches for series that an earlier owner left behind. Default 60. */
  readonly sweepEveryUpdates?: number;
}

/** Steps are kept in a ring: a new one takes the place of the one that is as old as the history is long. */
const RING_STEPS = Math.ceil(HISTORY_MILLIS / REALTIME_STEP_MILLIS) + 1;
const DEFAULT_SWEEP_EVERY_UPDATES = 60;

/** The store in Redis. */
export class RedisRealtimeStore implements RealtimeStore {
  readonly #options: RedisRealtimeStoreOptions;
  readonly #updates: Map<number, number> = new Map();

  /** Sends nothing yet. */
  constructor(options: RedisRealtimeStoreOptions) {
    this.#options = options;
  }

  async update(update: RealtimeUpdate): Promise<Result<void>> {
    try {
      const stale = this.#isSweepDue(update.shard) ? await this.#staleIds(update) : [];
      const { ttlSeconds } = this.#options;
      const series = seriesKey(update.shard);
      const steps = stepsKey(update.shard);
      const removed = [...update.removed, ...stale];
      await this.#run(update.shard, async (redis) => {
        const pipeline = redis.pipeline();
        for (const ids of chunksOf(removed)) pipeline.hdel(series, ...ids);
        for (const changed of chunksOf(update.changed)) pipeline.hset(series, ...fieldsOf(changed));
        pipeline.hset(steps, ringField(update.step), encodeStep(update.step));
        pipeline.expire(series, ttlSeconds).expire(steps, ttlSeconds);
        return await execute(pipeline);
      });
      this.#updates.set(update.shard, (this.#updates.get(update.shard) ?? 0) + 1);
      return success(undefined);
    } catch (error) {
      return unavailable(error);
    }
  }

  async snapshot(nowMillis: number): Promise<Result<readonly RealtimeSeries[]>> {
    try {
      const ofShards = await this.#readEach(seriesKey, decodeSeries);
      return success(newestOf(ofShards.flat().filter(({ expiresAtMillis }) => expiresAtMillis > nowMillis)));
    } catch (error) {
      return unavailable(error);
    }
  }

  async steps(nowMillis: number): Promise<Result<readonly RealtimeStep[]>> {
    try {
      return success(addUpSteps(await this.#readEach(stepsKey, decodeStep), nowMillis));
    } catch (error) {
      return unavailable(error);
    }
  }

  async #run<T>(shard: number, work: (redis: Redis) => Promise<T>): Promise<T> {
    return await this.#options.routeTo(shard).run(work);
  }

  /** What a hash of each shard holds. What cannot be read is left out; each reply is taken apart when it comes. */
  #readEach<T>(keyOf: (shard: number) => string, decode: (text: string) => T | undefined): Promise<readonly T[][]> {
    const { shards } = this.#options;
    return Promise.all(
      shards.map(async (shard) => {
        const texts = await this.#run(shard, (redis) => redis.hvals(keyOf(shard)));
        return texts.map(decode).filter((one) => one !== undefined);
      }),
    );
  }

  #isSweepDue(shard: number): boolean {
    const { sweepEveryUpdates = DEFAULT_SWEEP_EVERY_UPDATES } = this.#options;
    return (this.#updates.get(shard) ?? 0) % sweepEveryUpdates === 0;
  }

  /** Ids of series that are too old to be shown, and of text that cannot be read. */
  async #staleIds({ shard, step }: RealtimeUpdate): Promise<readonly string[]> {
    const all = await this.#run(shard, (redis) => redis.hgetall(seriesKey(shard)));
    return Object.keys(all).filter((id) => (decodeSeries(all[id] ?? "")?.expiresAtMillis ?? 0) <= step.atMillis);
  }
}

function seriesKey(shard: number): string {
  return `otel-bandwidth:{${shard}}:realtime`;
}

function stepsKey(shard: number): string {
  return `otel-bandwidth:{${shard}}:steps`;
}

function ringField(step: RealtimeStep): string {
  return String(Math.floor(step.atMillis / REALTIME_STEP_MILLIS) % RING_STEPS);
}

/** One command takes no more than this many series, so that no call has too many arguments and Redis can serve others. */
const SERIES_PER_COMMAND = 1000;

function* chunksOf<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < all.length; start += SERIES_PER_COMMAND)
    yield all.slice(start, start + SERIES_PER_COMMAND);
}

function fieldsOf(changed: readonly RealtimeSeries[]): string[] {
  return changed.flatMap((series) => [series.seriesId, encodeSeries(series)]);
}

/** Replies in order. Rejects with the first error of any command. */
async function execute(pipeline: ChainableCommander): Promise<readonly unknown[]> {
  const replies = (await pipeline.exec()) ?? [];
  return replies.map(([error, reply]) => {
    if (error) throw error;
    return reply;
  });
}

function unavailable(error: unknown): Result<never> {
  return retryable("unavailable", `Redis failed (${messageOf(error)})`);
}
