/**
 * Between the log and the fold of one shard: brings entries to the fold in the order of the log, those that the door of this
 * process has just appended without reading them back.
 */
import type { Clock } from "../model/clock.ts";
import type { IngestLog, LogEntry } from "../model/ingest-log.ts";
import { followingEntryId } from "../model/log-id.ts";
import type { OpenBody } from "../model/metrics-walk.ts";
import { releaseBytes } from "../model/release-bytes.ts";
import type { RollupStore } from "../model/rollup-store.ts";
import type { DecodedRoom } from "./decoded-room.ts";
import type { FaultReports } from "./fault-reports.ts";
import { OfferedEntries, type OfferedEntry } from "./offered-entries.ts";
import type { Ownership } from "./ownership.ts";

/** What an {@link EntryFolder} works with. */
export interface EntryFolderOptions {
  readonly shard: number;
  readonly log: IngestLog;
  readonly store: RollupStore;
  readonly openBody: OpenBody;
  readonly clock: Clock;
  readonly faults: FaultReports;
  /** `METRICS_BATCH_SIZE`. */
  readonly batchEntries: number;
  /** For inflated bodies between the door and the fold. */
  readonly decodedRoom: DecodedRoom;
  /** Called after every few entries, and after each that leaves the fold crowded; false when folding must not go on. */
  readonly makeRoom: (owned: Ownership) => Promise<boolean>;
}

/** Folds the entries of one shard in order. */
export class EntryFolder {
  readonly #options: EntryFolderOptions;
  readonly #offered: OfferedEntries;

  constructor(options: EntryFolderOptions) {
    this.#options = options;
    this.#offered = new OfferedEntries(options.decodedRoom);
  }

  /** Takes an entry that the door has appended. */
  offer(offered: OfferedEntry): void {
    this.#offered.offer(offered);
  }

  /** Whether offered entries take so much of their room that folding them should not wait. */
  get crowded(): boolean {
    return this.#offered.crowded;
  }

  /** Lets go of what was offered. */
  clear(): void {
    this.#offered.clear();
  }

  /** Folds what the log holds, until it is empty or something is in the way. */
  async foldAll(owned: Ownership): Promise<void> {
    const { log, batchEntries, faults, makeRoom } = this.#options;
    for (;;) {
      if (!(await this.foldOffered(owned))) return;
      const heldBefore = this.#offered.size;
      const entries = await log.read(owned.foldedId, batchEntries);
      if (!faults.accepted("log", entries)) return;
      if (entries.value.length === 0) {
        // Offered before this read and not in it: the fold had gone past them when they were offered.
        this.#offered.dropOldest(heldBefore);
        return;
      }
      for (const entry of entries.value) {
        if (!(await this.#foldRead(owned, entry))) return;
        // Not only after the batch: what another batch size would have let go of in time must not be without room here.
        if (owned.fold.isCrowded && !(await makeRoom(owned))) return;
      }
      if (!(await makeRoom(owned))) return;
    }
  }

  /**
   * Folds what the door has offered, as long as one number follows the other: then nothing lies between them in the log. False when
   * folding must not go on.
   */
  async foldOffered(owned: Ownership): Promise<boolean> {
    for (;;) {
      const offered = this.#offered.take(followingEntryId(owned.foldedId));
      if (offered === undefined) return true;
      if (!(await this.#foldEntry(owned, offered)) || !(await this.#options.makeRoom(owned))) return false;
    }
  }

  async #foldRead(owned: Ownership, entry: LogEntry): Promise<boolean> {
    const offered = this.#offered.take(entry.id);
    if (offered !== undefined) return this.#foldEntry(owned, offered);
    const opened = await this.#options.openBody(entry.body, entry.contentType, entry.encoding);
    const storedBytes = entry.body.length;
    if (opened.kind === "success") {
      return this.#foldEntry(owned, { entry, storedBytes, body: opened.value, isClean: false });
    }
    owned.fold.putAside(entry, `the body cannot be opened: ${opened.reason}`);
    passed(owned, entry.id, storedBytes);
    return true;
  }

  async #foldEntry(owned: Ownership, { entry, storedBytes, body, isClean }: OfferedEntry): Promise<boolean> {
    const { fold } = owned;
    const unloaded = fold.unloadedScopes(entry, body, isClean);
    if (unloaded.length > 0) {
      const keys = unloaded.map(({ stateKey }) => stateKey);
      const { commits } = owned.offset;
      const rows = await this.#options.store.counterState(keys, { shard: this.#options.shard, commits });
      if (!this.#options.faults.accepted("totals", rows)) return false;
      fold.install(unloaded, rows.value);
    }
    fold.fold(entry, body, isClean);
    releaseBytes(body);
    // Not by the fold, which reads no clock: the lag is no total. The clock may have been set back since.
    const lagMillis = Math.max(0, Math.round(this.#options.clock.nowMillis() - entry.receivedAtMillis));
    fold.counts.at(entry.receivedAtMillis).lagMillis += lagMillis;
    passed(owned, entry.id, storedBytes);
    return true;
  }

  /** When the entry after the last one folded was received, as far as it is known without reading the log. */
  offeredAfter(foldedId: string): number | undefined {
    return this.#offered.get(followingEntryId(foldedId))?.entry.receivedAtMillis;
  }
}

function passed(owned: Ownership, id: string, storedBytes: number): void {
  owned.foldedId = id;
  owned.uncommittedEntries++;
  owned.uncommittedBytes += storedBytes;
}
