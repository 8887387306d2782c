/**
 * The stored totals of a run once they have settled: where another receiver shares the Redis, it may be the one that folds,
 * and it commits in its own time.
 */
import { setTimeout as wait } from "node:timers/promises";
import { systemClock } from "../../model/clock.ts";
import type { ReceiverSettings } from "../settings.ts";
import { openTotalsStore } from "../stores.ts";
import { sumOf, type EndpointTotals } from "./endpoint-totals.ts";
import { readStoredTotals, type StoredRun, type StoredTotals } from "./stored-totals.ts";

const POLL_MILLIS = 1000;
/** What a commit and a take-over may take beyond the persist interval. */
const GRACE_MILLIS = 6000;

/** What is told while it waits. */
export type Told = (message: string) => void;

/** Reads the stored totals of a run whose receiver has stopped. Rejects when the store cannot be read. */
export async function settledTotals(
  settings: ReceiverSettings,
  run: StoredRun,
  load: EndpointTotals,
  tell: Told,
): Promise<StoredTotals> {
  const opened = openTotalsStore(settings, systemClock);
  if (opened.kind !== "success") throw new Error(opened.reason);
  const { store } = opened.value;
  const deadline = performance.now() + settings.persistIntervalMillis + GRACE_MILLIS;
  try {
    for (let tries = 0; ; tries += 1) {
      const stored = await readStoredTotals(store, run);
      if (stored.kind !== "success") throw new Error(`the totals cannot be read: ${stored.reason}`);
      const mayStillCome = settings.redisUrl !== undefined && lacks(stored.value, load);
      if (!mayStillCome || performance.now() > deadline) return stored.value;
      if (tries === 0) tell("not all is stored yet: waiting for another receiver on this Redis to commit");
      await wait(POLL_MILLIS);
    }
  } finally {
    await store.close();
  }
}

/** Only what is missing can still come: what is too much stays wrong. */
function lacks({ hourly }: StoredTotals, load: EndpointTotals): boolean {
  const stored = sumOf(hourly);
  const sent = sumOf(load);
  return stored.requests < sent.requests || stored.bytesIn < sent.bytesIn || stored.bytesOut < sent.bytesOut;
}
