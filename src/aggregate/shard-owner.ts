/**
 * The loop of one shard: holds its lease, reads its log in order, folds, tells the realtime store, and commits totals,
 * counter state, ledger and offset in one transaction. What is not committed is folded again from the log by whoever
 * comes next.
 */
import type { Timer } from "../model/clock.ts";
import type { AppendedEntry } from "../model/ingest-log.ts";
import { releaseBytes } from "../model/release-bytes.ts";
import { messageOf } from "../model/result.ts";
import type { ReceiverCounts } from "../model/rollup-store.ts";
import { EntryFolder } from "./entry-folder.ts";
import { FaultReports } from "./fault-reports.ts";
import { addReceiverCounts, noReceiverCounts } from "./fold-counts.ts";
import { FoldSchedule } from "./fold-schedule.ts";
import { type HeldWorkOptions, whileHeld } from "./held-work.ts";
import { KnownLease } from "./known-lease.ts";
import { publishLive } from "./live-publisher.ts";
import { isOpenAt, openLog } from "./log-opening.ts";
import type { OfferedEntry } from "./offered-entries.ts";
import {
  isHalfFull,
  isUncommitted,
  noteCommitted,
  sendCommit,
  takeCommit,
  type Ownership,
  type PendingCommit,
} from "./ownership.ts";
import { LEASE_MILLIS, ShardClaim } from "./shard-claim.ts";
import { finishShard } from "./shard-finish.ts";
import { type ShardHealth, shardHealth } from "./shard-health.ts";
import type { ShardOwnerOptions } from "./shard-owner-options.ts";
import { takeOver } from "./take-over.ts";
import { TotalsReach } from "./totals-reach.ts";

/** Runs one shard. */
export class ShardOwner {
  readonly #options: ShardOwnerOptions;
  readonly #lease: KnownLease;
  readonly #schedule: FoldSchedule;
  readonly #claim: ShardClaim;
  readonly #held: HeldWorkOptions;
  readonly #folder: EntryFolder;
  readonly #faults: FaultReports;
  readonly #committed = noReceiverCounts();
  #owned: Ownership | undefined;
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;
  #stopping = false;
  #finishing = false;
  #isReadyToSeal = false;
  #wanted = false;

  constructor(options: ShardOwnerOptions) {
    const lease = new KnownLease(options.lease, options.clock);
    this.#options = options;
    this.#lease = lease;
    this.#schedule = new FoldSchedule(options.processIntervalMillis);
    this.#claim = new ShardClaim({ ...options, lease, reach: options.reach ?? new TotalsReach(options) });
    this.#held = { clock: options.clock, lease, leaseMillis: LEASE_MILLIS };
    this.#faults = new FaultReports((message) => options.report(`shard ${options.shard}: ${message}`));
    this.#folder = new EntryFolder({
      ...options,
      faults: this.#faults,
      makeRoom: async (owned) => !isHalfFull(owned, options) || (await this.#commit(owned)),
    });
  }

  /** Starts the loop. Resolves when it has first tried to have the shard. */
  async start(): Promise<void> {
    this.#run();
    await this.#running;
  }

  /** Whether this process owns the shard now. */
  get owns(): boolean {
    return this.#owned !== undefined;
  }

  /** What this process has committed of the shard since it started, as `receiver_minute` has it. */
  get committed(): ReceiverCounts {
    return this.#committed;
  }

  /** How the shard does; `undefined` where another process owns it, or none. */
  async health(): Promise<ShardHealth | undefined> {
    const offeredAfter = (id: string): number | undefined => this.#folder.offeredAfter(id);
    return this.#owned && shardHealth(this.#owned, { ...this.#options, offeredAfter });
  }

  /** An entry that the door has appended; its body is ours to let go of. */
  offer({ generation }: AppendedEntry, offered: OfferedEntry): void {
    // Numbers come again in another generation: there they name other entries.
    if (generation !== this.#owned?.offset.generation) {
      releaseBytes(offered.body);
      return;
    }
    this.#folder.offer(offered);
    if (this.#folder.crowded) this.wake();
  }

  /** From now on, as far as the shard is ours: its log soon takes nothing more, and when that is folded to its end the shard is finished. */
  finish(): void {
    if (this.#finishing) return;
    this.#finishing = true;
    this.wake();
  }

  /** Whether, of a shard that is to be finished, all is committed but what comes now. */
  get isReadyToSeal(): boolean {
    return this.#isReadyToSeal;
  }

  /** Runs the loop now instead of at the next interval. */
  wake(): void {
    if (this.#wanted || this.#stopping) return;
    this.#wanted = true;
    this.#timer?.clear();
    this.#runAfter(0);
  }

  /** Folds and commits everything the log holds, then gives the shard up. Waits at most for what is under way. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#timer?.clear();
    await this.#running;
    try {
      const owned = this.#owned;
      if (owned) await whileHeld(this.#held, () => this.#fold(owned));
      if (this.#owned) await this.#commit(this.#owned);
    } catch (error) {
      // What was not committed is in the log: the next owner folds it.
      this.#faults.failed("fold", messageOf(error));
    }
    this.#owned = undefined;
    await this.#lease.release();
  }

  #runAfter(delayMillis: number): void {
    this.#timer = this.#options.clock.after(delayMillis, () => this.#run());
  }

  #run(): void {
    if (this.#running) return;
    this.#wanted = false;
    this.#running = this.#tick().finally(() => {
      this.#running = undefined;
      const { clock } = this.#options;
      if (!this.#stopping) this.#runAfter(this.#wanted ? 0 : this.#schedule.delayMillis(clock.monotonicMillis()));
      this.#wanted = false;
    });
  }

  async #tick(): Promise<void> {
    try {
      await this.#work();
    } catch (error) {
      // A fault of ours must not end the process: what was folded is dropped and folded again.
      this.#owned = undefined;
      this.#faults.failed("fold", messageOf(error));
    }
  }

  async #work(): Promise<void> {
    const claim = await this.#claim.look();
    // All of it: not only a commit may take longer than a lease.
    if (claim === "own") return await whileHeld(this.#held, () => this.#workAsOwner());
    if (claim === "hand over") await this.#handOver();
    if (claim === "unsure") await this.#keepFolded();
    this.#owned = undefined;
    this.#folder.clear();
  }

  async #workAsOwner(): Promise<void> {
    const { clock, persistIntervalMillis } = this.#options;
    if (this.#owned && !(await this.#isCurrent(this.#owned))) this.#owned = undefined;
    if (!this.#owned) await this.#takeOver();
    else if (!this.#finishing) await this.#keepLogOpen(this.#owned);
    const owned = this.#owned;
    if (!owned) return;
    if (this.#finishing) return await this.#finish(owned);
    const now = clock.monotonicMillis();
    if (this.#schedule.isDue(now) || this.#folder.crowded) {
      await this.#fold(owned);
      await this.#publish(owned, now);
    }
    if (
      this.#owned &&
      (now - owned.committedAtMillis >= persistIntervalMillis - 1 || owned.pending || isHalfFull(owned, this.#options))
    ) {
      await this.#commit(owned);
    }
  }

  /** The log may have lost what was folded of it when it is back. Who has the shard by then is told by the offset, here and there. */
  async #keepFolded(): Promise<void> {
    const owned = this.#owned;
    if (owned && isUncommitted(owned)) await this.#commit(owned);
  }

  /** Another receiver is to have the shard: it need not fold again what was folded here. */
  async #handOver(): Promise<void> {
    if (this.#owned) await this.#commit(this.#owned);
    await this.#lease.handOver();
  }

  /** What cannot be done now is tried again; whoever owns the shard then begins anew. */
  async #finish(owned: Ownership): Promise<void> {
    const committed = (): boolean => {
      this.#isReadyToSeal = true;
      return this.#options.maySeal?.() ?? true;
    };
    const [fold, commit] = [() => this.#fold(owned), () => this.#commit(owned)];
    const finished = await finishShard(owned, { ...this.#options, faults: this.#faults, fold, commit, committed });
    if (!finished) return;
    if (finished.kind !== "retryable") this.#owned = undefined;
    this.#faults.accepted("totals", finished);
  }

  async #fold(owned: Ownership): Promise<void> {
    const { clock, folded } = this.#options;
    const [from, startedAt] = [owned.foldedId, clock.monotonicMillis()];
    await this.#folder.foldAll(owned);
    if (owned.foldedId !== from) folded?.((clock.monotonicMillis() - startedAt) / 1000);
  }

  async #publish(owned: Ownership, now: number): Promise<void> {
    if (!this.#schedule.isDue(now)) return;
    this.#schedule.passed(now);
    await publishLive(owned, { ...this.#options, lease: this.#lease, faults: this.#faults });
  }

  async #takeOver(): Promise<void> {
    // What was measured before is not of this ownership.
    this.#options.takeTimes?.();
    this.#owned = await takeOver(this.#options, this.#faults);
    this.#claim.stored(this.#owned !== undefined || !this.#faults.isFailing("totals"));
    this.#folder.clear();
  }

  /**
   * Whether the totals are still at this owner's generation, asked before each folding: an owner on another server may have begun the
   * next one, and what this log takes meanwhile would be lost.
   */
  async #isCurrent({ offset, pending }: Ownership): Promise<boolean> {
    const { store, shard, clock } = this.#options;
    if (!this.#schedule.isDue(clock.monotonicMillis())) return true;
    const stored = await store.offset(shard);
    // Of a commit that waits to be tried again it tells nothing.
    if (!pending) this.#claim.stored(stored.kind === "success");
    return stored.kind !== "success" || stored.value.generation === offset.generation;
  }

  /** A log whose storage was promoted or restarted under its owner: what was folded is committed first, none of it is lost. */
  async #keepLogOpen(owned: Ownership): Promise<void> {
    const status = await this.#options.log.status();
    if (!this.#faults.accepted("log", status) || isOpenAt(status.value, owned.offset)) return;
    await this.#folder.foldOffered(owned);
    if (!(await this.#commit(owned))) return;
    const offset = await openLog(this.#options, owned.offset);
    if (offset.kind === "failure") this.#owned = undefined;
    if (!this.#faults.accepted("log", offset)) return;
    owned.offset = offset.value;
    this.#folder.clear();
    this.#options.report(`shard ${this.#options.shard}: opened its log anew, as generation ${offset.value.generation}`);
  }

  /** Commits what was folded; true when nothing is left uncommitted of what was folded before the call. */
  async #commit(owned: Ownership): Promise<boolean> {
    if (owned.pending) {
      if (!(await this.#settle(owned, owned.pending))) return false;
    }
    const { clock, shard, shardCount, takeTimes, takeLimitedPoints } = this.#options;
    const nowMillis = clock.nowMillis();
    const ledgerExpiredBefore = owned.ledgerHorizon.advance(nowMillis, clock.monotonicMillis());
    // A commit of nothing but this would be written twice when its outcome is unknown: it waits for one with entries.
    if (takeLimitedPoints && owned.foldedId !== owned.offset.lastId) {
      owned.fold.counts.at(nowMillis).pointsLimited += takeLimitedPoints();
    }
    owned.pending = takeCommit(owned, { shard, shardCount }, nowMillis, ledgerExpiredBefore, takeTimes?.());
    return this.#settle(owned, owned.pending);
  }

  /** Sends a commit, or sends it again. */
  async #settle(owned: Ownership, pending: PendingCommit): Promise<boolean> {
    const { store, clock, log } = this.#options;
    const outcome = await whileHeld(this.#held, () => sendCommit(pending, owned, store));
    this.#claim.stored(outcome.kind !== "retryable");
    if (outcome.kind === "failure") {
      this.#owned = undefined;
      this.#faults.failed("totals", `gave up the shard, ${outcome.reason}`);
      return false;
    }
    if (!this.#faults.accepted("totals", outcome)) return false;
    noteCommitted(owned, pending, clock.monotonicMillis());
    for (const { counts } of pending.commit.receiver) addReceiverCounts(this.#committed, counts);
    this.#faults.accepted("log", await log.trim(pending.commit.offset.toId));
    return true;
  }
}
