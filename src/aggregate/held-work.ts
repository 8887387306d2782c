/**
 * Fold, inside: keeps a shard's lease while its owner waits for something long, such as the commit of many series. Without it another
 * receiver would take the shard meanwhile, fold the same again, and one of both commits would be refused.
 */
import type { Clock, Timer } from "../model/clock.ts";
import type { ShardLease } from "../model/shard-lease.ts";

/** What {@link whileHeld} works with. */
export interface HeldWorkOptions {
  readonly lease: Pick<ShardLease, "stand" | "hold">;
  readonly clock: Clock;
  /** How long each renewal holds, milliseconds. */
  readonly leaseMillis: number;
}

/** A lease is kept no longer than this for one piece of work: another receiver may be better placed to do it. */
const MAX_KEPT_MILLIS = 60_000;

/**
 * Does the work, and renews the lease until it is done, was lost, or has taken too long. Meanwhile this receiver stands for the shard, so
 * that all see the same receivers in all shards. Settles as the work does.
 */
export async function whileHeld<T>({ lease, clock, leaseMillis }: HeldWorkOptions, work: () => Promise<T>): Promise<T> {
  const until = clock.monotonicMillis() + MAX_KEPT_MILLIS;
  let isDone = false;
  let timer: Timer | undefined;
  const isStillHeld = async (): Promise<boolean> => {
    const { state } = await lease.stand(leaseMillis);
    // Free: it ran out, and nobody has taken it yet.
    return state === "held" || (state === "free" && !isDone && (await lease.hold(leaseMillis)));
  };
  const renew = async (): Promise<void> => {
    if (clock.monotonicMillis() < until && (await isStillHeld()) && !isDone) renewLater();
  };
  const renewLater = (): void => {
    timer = clock.after(leaseMillis / 4, () => void renew());
  };
  renewLater();
  try {
    return await work();
  } finally {
    isDone = true;
    timer?.clear();
  }
}
