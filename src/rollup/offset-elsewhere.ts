/** Beside the totals' stores: the answer when the compare-and-set of a shard's offset finds it elsewhere. */
import { failure } from "../model/result.ts";
import type { Failure } from "../model/result.ts";

/** Failure `conflict`: another owner has moved the offset on, and nothing was written. */
export function offsetElsewhere(shard: number, expectedId: string): Failure {
  return failure("conflict", `the offset of shard ${shard} is no longer at ${expectedId}`);
}
