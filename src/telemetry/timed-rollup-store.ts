/** A totals' store whose calls are timed. */
import type { RollupStore } from "../model/rollup-store.ts";
import type { CallTiming } from "./call-timing.ts";

/** The same store, timed. */
export function timedRollupStore(store: RollupStore, timing: CallTiming): RollupStore {
  return {
    birth: () => timing.time("birth", () => store.birth()),
    offset: (shard) => timing.time("offset", () => store.offset(shard)),
    advanceGeneration: (shard, from, to) =>
      timing.time("advance_generation", () => store.advanceGeneration(shard, from, to)),
    finish: (shard, from) => timing.time("finish", () => store.finish(shard, from)),
    counterState: (stateKeys, atLeast) => timing.time("counter_state", () => store.counterState(stateKeys, atLeast)),
    ledger: (slots, receivedAtOrAfter, commits) =>
      timing.time("ledger", () => store.ledger(slots, receivedAtOrAfter, commits)),
    commit: (commit) => timing.time("commit", () => store.commit(commit)),
    maintain: (nowSeconds, retentionSeconds) =>
      timing.time("maintain", () => store.maintain(nowSeconds, retentionSeconds)),
    maintainedAt: () => timing.time("maintained_at", () => store.maintainedAt()),
    ready: () => timing.time("ready", () => store.ready()),
    statementCounts: () => store.statementCounts(),
    close: () => store.close(),
  };
}
