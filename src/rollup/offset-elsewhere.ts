/** Beside the totals' stores: the answers when a shard's offset is not where it was expected. */
import { failure, retryable } from "../model/result.ts";
import type { Failure, Retryable } from "../model/result.ts";

/** Failure `conflict`: another owner has moved the offset on, and nothing was written. */
export function offsetElsewhere(shard: number, expectedId: string): Failure {
  return failure("conflict", `the offset of shard ${shard} is no longer at ${expectedId}`);
}

/** Retryable `unavailable`: the layout has fewer shards, or the row was deleted while it was read. */
export function noSuchShard(shard: number): Retryable {
  return retryable("unavailable", `there is no shard ${shard}`);
}
