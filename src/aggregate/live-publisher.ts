/** Fold, inside: tells the live view what a shard does now. */
import type { Clock } from "../model/clock.ts";
import type { RealtimeStore } from "../model/realtime-store.ts";
import type { FaultReports } from "./fault-reports.ts";
import type { KnownLease } from "./known-lease.ts";
import type { Ownership } from "./ownership.ts";
import { LEASE_MILLIS } from "./shard-claim.ts";

/** What {@link publishLive} works with. */
export interface LivePublishing {
  readonly shard: number;
  readonly clock: Clock;
  readonly realtime: RealtimeStore;
  readonly lease: KnownLease;
  readonly faults: FaultReports;
}

/** Writes what changed since the last time, unless another receiver has the shard by now. What could not be written is told the next time. */
export async function publishLive({ live, fold, foldedId }: Ownership, publishing: LivePublishing): Promise<void> {
  const { shard, clock, realtime, lease, faults } = publishing;
  if (!(await lease.isHeld(LEASE_MILLIS))) return;
  const update = live.update(shard, fold.scopes.all(), clock.nowMillis(), foldedId);
  if (!faults.accepted("realtime", await realtime.update(update))) live.notWritten(update);
}
