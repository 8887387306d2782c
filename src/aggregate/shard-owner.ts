/**
 * The loop of one shard: holds its lease, reads its log in order, folds, tells the realtime store, and commits totals,
 * counter state, ledger and offset in one transaction. What is not committed is folded again from the log by whoever
 * comes next.
 */
import type { Clock, Timer } from "../model/clock.ts";
import type { IngestLog, LogEntry } from "../model/ingest-log.ts";
import type { OpenBody } from "../model/metrics-walk.ts";
import type { RealtimeStore } from "../model/realtime-store.ts";
import { messageOf, success, type Result } from "../model/result.ts";
import type { RollupStore } from "../model/rollup-store.ts";
import type { ShardLease } from "../model/shard-lease.ts";
import { DecodedBodies, type DecodedBody } from "./decoded-bodies.ts";
import { FaultReports, type FaultPart } from "./fault-reports.ts";
import { LiveRates } from "./live-rates.ts";
import { hasArrived, takeCommit, type Ownership, type PendingCommit } from "./ownership.ts";
import { ShardFold, type ShardFoldOptions } from "./shard-fold.ts";

/** What a shard's loop works with. */
export interface ShardOwnerOptions {
  readonly shard: number;
  readonly log: IngestLog;
  readonly store: RollupStore;
  readonly realtime: RealtimeStore;
  readonly lease: ShardLease;
  readonly clock: Clock;
  readonly openBody: OpenBody;
  readonly fold: Omit<ShardFoldOptions, "birthSeconds" | "shard">;
  /** `METRICS_BATCH_SIZE`. */
  readonly batchEntries: number;
  /** `METRICS_PROCESS_INTERVAL`. */
  readonly processIntervalMillis: number;
  /** `METRICS_PERSIST_INTERVAL`. */
  readonly persistIntervalMillis: number;
  /** `METRICS_BUFFER_SIZE` and `METRICS_BUFFER_BYTES`: a commit comes early when half of either is uncommitted. */
  readonly maxEntries: number;
  readonly maxBytes: number;
  /** Inflated bodies kept between the door and the fold. */
  readonly maxDecodedBytes: number;
  /** Told of what went wrong and is tried again, one sentence; called once per change, not once per try. */
  readonly report: (message: string) => void;
}

/** A lease is held for this long; a take-over comes within it. */
const LEASE_MILLIS = 4000;
/** Scopes and series that nothing was received of for this long are let go of. */
const IDLE_MILLIS = 3_600_000;

/** Runs one shard. */
export class ShardOwner {
  readonly #options: ShardOwnerOptions;
  readonly #bodies: DecodedBodies;
  readonly #faults: FaultReports;
  #owned: Ownership | undefined;
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;
  #stopping = false;
  #wanted = false;
  #liveAtMillis = 0;

  constructor(options: ShardOwnerOptions) {
    this.#options = options;
    this.#bodies = new DecodedBodies(options.maxDecodedBytes);
    this.#faults = new FaultReports((message) => options.report(`shard ${options.shard}: ${message}`));
  }

  /** Starts the loop. */
  start(): void {
    this.#schedule(0);
  }

  /** Whether this process owns the shard now. */
  get owns(): boolean {
    return this.#owned !== undefined;
  }

  /** An entry that the door has appended, with its inflated body. */
  offer(id: string, decoded: DecodedBody): void {
    if (!this.#owned) return;
    this.#bodies.offer(id, decoded);
    if (this.#crowded) this.wake();
  }

  get #crowded(): boolean {
    return this.#bodies.bytes * 2 >= this.#options.maxDecodedBytes;
  }

  /** Runs the loop now instead of at the next interval. */
  wake(): void {
    if (this.#wanted || this.#stopping) return;
    this.#wanted = true;
    this.#timer?.clear();
    this.#schedule(0);
  }

  /** Folds and commits everything the log holds, then gives the shard up. Waits at most for what is under way. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#timer?.clear();
    await this.#running;
    try {
      if (this.#owned) await this.#foldAll(this.#owned);
      if (this.#owned) await this.#commit(this.#owned);
    } catch (error) {
      // What was not committed is in the log: the next owner folds it.
      this.#faults.failed("fold", messageOf(error));
    }
    this.#owned = undefined;
    await this.#options.lease.release();
  }

  #schedule(delayMillis: number): void {
    this.#timer = this.#options.clock.after(delayMillis, () => {
      if (this.#running) return;
      this.#wanted = false;
      this.#running = this.#tick().finally(() => {
        this.#running = undefined;
        if (!this.#stopping) this.#schedule(this.#wanted ? 0 : this.#nextDelay());
        this.#wanted = false;
      });
    });
  }

  /** Without the shard, looking for it; with it, in time to keep the lease. */
  #nextDelay(): number {
    return Math.min(this.#options.processIntervalMillis, LEASE_MILLIS / 4);
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
    const { lease, clock, processIntervalMillis, persistIntervalMillis } = this.#options;
    if (!(await lease.hold(LEASE_MILLIS))) {
      this.#owned = undefined;
      this.#bodies.clear();
      return;
    }
    this.#owned ??= await this.#takeOver();
    const owned = this.#owned;
    if (!owned) return;
    const now = clock.monotonicMillis();
    if (now - this.#liveAtMillis >= processIntervalMillis - 1 || this.#crowded) {
      await this.#foldAll(owned);
      await this.#publish(owned, now);
    }
    if (
      this.#owned &&
      (now - owned.committedAtMillis >= persistIntervalMillis - 1 || owned.pending || this.#halfFull(owned))
    ) {
      await this.#commit(owned);
    }
  }

  async #publish(owned: Ownership, now: number): Promise<void> {
    if (now - this.#liveAtMillis < this.#options.processIntervalMillis - 1) return;
    this.#liveAtMillis = now;
    const update = owned.live.update(this.#options.shard, owned.fold.scopes.all(), this.#options.clock.nowMillis());
    this.#accepted("realtime", await this.#options.realtime.update(update));
  }

  /** Reads where the shard stands and what its owner must know. */
  async #takeOver(): Promise<Ownership | undefined> {
    const { store, shard, fold, clock } = this.#options;
    const birth = await store.birth();
    const offset = birth.kind === "success" ? await store.offset(shard) : birth;
    if (!this.#accepted("totals", birth) || !this.#accepted("totals", offset)) return undefined;
    const shardFold = new ShardFold({ ...fold, shard, birthSeconds: birth.value });
    const ledger = await store.ledger(shard, this.#ledgerHorizon(clock.nowMillis()));
    if (!this.#accepted("totals", ledger)) return undefined;
    shardFold.recall(ledger.value);
    this.#bodies.clear();
    return {
      fold: shardFold,
      live: new LiveRates(),
      offset: offset.value,
      foldedId: offset.value.lastId,
      uncommittedEntries: 0,
      uncommittedBytes: 0,
      committedAtMillis: clock.monotonicMillis(),
      pending: undefined,
    };
  }

  /** Epoch seconds; the ledger is kept for twice the age, so that a late start of the fold still finds what it needs. */
  #ledgerHorizon(nowMillis: number): number {
    return Math.floor((nowMillis - 2 * this.#options.fold.deltaMaxAgeMillis - 3_600_000) / 1000);
  }

  /** Folds what the log holds, until it is empty or a commit must come first. */
  async #foldAll(owned: Ownership): Promise<void> {
    const { log, batchEntries } = this.#options;
    for (;;) {
      const heldBefore = this.#bodies.size;
      const entries = await log.read(owned.foldedId, batchEntries);
      if (!this.#accepted("log", entries)) return;
      if (entries.value.length === 0) {
        // Offered before this read and not in it: the fold had gone past them when they were offered.
        this.#bodies.dropOldest(heldBefore);
        return;
      }
      for (const entry of entries.value) {
        if (!(await this.#foldEntry(owned, entry))) return;
        owned.foldedId = entry.id;
        owned.uncommittedEntries++;
        owned.uncommittedBytes += entry.body.length;
      }
      if (this.#halfFull(owned) && !(await this.#commit(owned))) return;
    }
  }

  async #foldEntry(owned: Ownership, entry: LogEntry): Promise<boolean> {
    const { fold } = owned;
    let decoded = this.#bodies.take(entry.id);
    if (decoded === undefined) {
      const opened = await this.#options.openBody(entry.body, entry.contentType, entry.encoding);
      if (opened.kind !== "success") {
        fold.putAside(entry, `the body cannot be opened: ${opened.reason}`);
        return true;
      }
      decoded = { body: opened.value, isClean: false };
    }
    const unloaded = fold.unloadedScopes(entry, decoded.body);
    if (unloaded.length > 0) {
      const rows = await this.#options.store.counterState(unloaded.map(({ stateKey }) => stateKey));
      if (!this.#accepted("totals", rows)) return false;
      fold.install(unloaded, rows.value);
    }
    fold.fold(entry, decoded.body, decoded.isClean);
    return true;
  }

  #halfFull({ uncommittedEntries, uncommittedBytes }: Ownership): boolean {
    return uncommittedEntries * 2 >= this.#options.maxEntries || uncommittedBytes * 2 >= this.#options.maxBytes;
  }

  /** Commits what was folded; true when nothing is left uncommitted of what was folded before the call. */
  async #commit(owned: Ownership): Promise<boolean> {
    if (owned.pending) {
      if (!(await this.#settle(owned, owned.pending))) return false;
    }
    const nowMillis = this.#options.clock.nowMillis();
    owned.pending = takeCommit(owned, this.#options.shard, nowMillis, this.#ledgerHorizon(nowMillis));
    return this.#settle(owned, owned.pending);
  }

  /** Sends a commit, or learns that an earlier try of it went through. */
  async #settle(owned: Ownership, pending: PendingCommit): Promise<boolean> {
    const { store, clock } = this.#options;
    const { toId, generation } = pending.commit.offset;
    let outcome: Result<void> = await store.commit(pending.commit);
    if (outcome.kind !== "success" && (await hasArrived(pending.commit, store))) outcome = success(undefined);
    if (outcome.kind === "failure") {
      this.#owned = undefined;
      this.#faults.failed("totals", `gave up the shard, ${outcome.reason}`);
      return false;
    }
    if (!this.#accepted("totals", outcome)) return false;
    owned.pending = undefined;
    owned.offset = { generation, lastId: toId, persistedAt: pending.commit.persistedAt };
    owned.committedAtMillis = clock.monotonicMillis();
    for (const series of pending.newSeries) series.written = true;
    const idleBefore = owned.fold.newestReceivedMillis - IDLE_MILLIS;
    owned.fold.scopes.evictIdle(idleBefore);
    owned.fold.series.evictIdle(idleBefore);
    this.#accepted("log", await this.#options.log.trim(toId));
    return true;
  }

  #accepted<T>(part: FaultPart, result: Result<T>): result is Extract<Result<T>, { kind: "success" }> {
    if (result.kind === "success") this.#faults.mended(part);
    else this.#faults.failed(part, result.reason);
    return result.kind === "success";
  }
}
