/**
 * The beginning of an ownership: reads where a shard stands and what its owner must know, and makes sure that its log takes appends.
 */
import { success, type Result } from "../model/result.ts";
import type { RollupStore, ShardOffset } from "../model/rollup-store.ts";
import type { ShardSlots } from "../model/shard-layout.ts";
import type { FaultReports } from "./fault-reports.ts";
import { LedgerHorizon } from "./ledger-horizon.ts";
import { LiveRates } from "./live-rates.ts";
import { findLogGap, openLog, type LogGap } from "./log-opening.ts";
import type { Ownership } from "./ownership.ts";
import { ShardFold } from "./shard-fold.ts";
import type { ShardOwnerOptions } from "./shard-owner-options.ts";

/** What the shard's owner starts from; `undefined`, and noted in `faults`, when it cannot be had now. */
export async function takeOver(options: ShardOwnerOptions, faults: FaultReports): Promise<Ownership | undefined> {
  const { store, shard, shardCount, fold, clock, log } = options;
  const birth = await store.birth();
  const stored = birth.kind === "success" ? await store.offset(shard) : birth;
  if (!faults.accepted("totals", birth) || !faults.accepted("totals", stored)) return undefined;
  // Of another layout, or done with: whoever owns it next is of the next layout.
  if (stored.value.layout !== options.layout || stored.value.isFinished) return undefined;
  const offset = await openLog(options, stored.value);
  if (!faults.accepted("log", offset)) return undefined;
  const shardFold = new ShardFold({ ...fold, shard, birthSeconds: birth.value });
  const oldestReceivedAt = await recallLedger(store, { shard, shardCount }, offset.value, shardFold);
  if (!faults.accepted("totals", oldestReceivedAt)) return undefined;
  const gap = await findLogGap(log, offset.value);
  if (!faults.accepted("log", gap)) return undefined;
  if (gap.value && (await hasMoved(store, shard, offset.value))) return undefined;
  if (gap.value) reportGap(options, gap.value);
  const monotonicMillis = clock.monotonicMillis();
  return {
    fold: shardFold,
    live: new LiveRates(),
    ledgerHorizon: new LedgerHorizon(
      fold.deltaMaxAgeMillis,
      oldestReceivedAt.value,
      clock.nowMillis(),
      monotonicMillis,
    ),
    offset: offset.value,
    foldedId: offset.value.lastId,
    uncommittedEntries: 0,
    uncommittedBytes: 0,
    committedAtMillis: monotonicMillis,
    pending: undefined,
  };
}

/** Recalls all of the ledger there is, for what has expired was deleted; the receive time of its oldest row, epoch seconds. */
async function recallLedger(
  store: RollupStore,
  slots: ShardSlots,
  { commits }: ShardOffset,
  fold: ShardFold,
): Promise<Result<number | undefined>> {
  let oldest: number | undefined;
  for (let from: number | undefined = 0; from !== undefined;) {
    const page = await store.ledger(slots, from, commits);
    if (page.kind !== "success") return page;
    fold.recall(page.value.rows);
    oldest ??= page.value.rows[0]?.receivedAt;
    from = page.value.nextReceivedAt;
  }
  return success(oldest);
}

/** Whether an owner of before has committed, and trimmed the log, since the offset was read: then there is no gap. */
async function hasMoved(store: RollupStore, shard: number, { commits }: ShardOffset): Promise<boolean> {
  const stored = await store.offset(shard);
  return stored.kind !== "success" || stored.value.commits !== commits;
}

function reportGap({ shard, report }: ShardOwnerOptions, { afterId, beforeId }: LogGap): void {
  report(
    `shard ${shard}: the totals end at entry ${afterId} and the log goes on at ${beforeId ?? "nothing"}: ` +
      "what was between is in neither; `otel-bandwidth verify` tells when it was",
  );
}
