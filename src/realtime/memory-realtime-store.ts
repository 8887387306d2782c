/**
 * What is happening now, in the memory of an embedded receiver.
 */
import type { RealtimeSeries, RealtimeStep, RealtimeStore, RealtimeUpdate } from "../model/realtime-store.ts";
import { success } from "../model/result.ts";
import type { Result } from "../model/result.ts";
import { newestOf } from "./newest-series.ts";
import { addUpSteps, isRecentStep } from "./steps.ts";

interface ShardNow {
  readonly series: Map<string, RealtimeSeries>;
  readonly steps: Map<number, RealtimeStep>;
}

/** The store in memory. It holds no more series than the owners of the shards follow, and only recent steps. */
export class MemoryRealtimeStore implements RealtimeStore {
  readonly #shards: Map<number, ShardNow> = new Map();

  async update(update: RealtimeUpdate): Promise<Result<void>> {
    const { series, steps } = this.#shard(update.shard);
    const { atMillis } = update.step;
    for (const id of update.removed) series.delete(id);
    for (const changed of update.changed) series.set(changed.seriesId, changed);
    steps.set(atMillis, update.step);
    for (const [id, one] of series) if (one.expiresAtMillis <= atMillis) series.delete(id);
    for (const [at, step] of steps) if (!isRecentStep(step, atMillis)) steps.delete(at);
    return success(undefined);
  }

  async snapshot(nowMillis: number): Promise<Result<readonly RealtimeSeries[]>> {
    const series: RealtimeSeries[] = [];
    for (const shard of this.#shards.values()) {
      for (const one of shard.series.values()) if (one.expiresAtMillis > nowMillis) series.push(one);
    }
    return success(newestOf(series));
  }

  async steps(nowMillis: number): Promise<Result<readonly RealtimeStep[]>> {
    const ofShards = [...this.#shards.values()].map(({ steps }) => [...steps.values()]);
    return success(addUpSteps(ofShards, nowMillis));
  }

  #shard(shard: number): ShardNow {
    const known = this.#shards.get(shard);
    if (known) return known;
    const created: ShardNow = { series: new Map(), steps: new Map() };
    this.#shards.set(shard, created);
    return created;
  }
}
