/**
 * Between the door and the fold, inside one process: entries that the door has just appended, with their inflated bodies, found
 * by their log id, so that the fold need neither read nor open them again. It saves work and nothing else: what is not here
 * is read from the log.
 */
import type { LogEntry } from "../model/ingest-log.ts";
import { releaseBytes } from "../model/release-bytes.ts";
import type { DecodedRoom } from "./decoded-room.ts";

/** What the fold needs of an entry beside its inflated body. */
export type FoldableEntry = Omit<LogEntry, "body" | "contentType" | "encoding">;

/** An entry that the door has appended. */
export interface OfferedEntry {
  readonly entry: FoldableEntry;
  /** Bytes of the body as the log holds it. */
  readonly storedBytes: number;
  /** Inflated, protobuf; let go of when it has been folded. */
  readonly body: Uint8Array;
  /** Whether the door found no point to refuse: then the fold would find none either. */
  readonly isClean: boolean;
}

/** The entries of one shard by their log ids, bounded by the room that it shares with others. */
export class OfferedEntries {
  readonly #room: DecodedRoom;
  readonly #entries = new Map<string, OfferedEntry>();
  #bytes = 0;

  /** Inflated bodies that have no room are not kept. */
  constructor(room: DecodedRoom) {
    this.#room = room;
  }

  /** Whether there is so little room, and this shard holds so much of it, that folding should not wait. */
  get crowded(): boolean {
    return this.#room.isCrowdedBy(this.#bytes);
  }

  /** How many entries are held. */
  get size(): number {
    return this.#entries.size;
  }

  /** Keeps an entry, or lets go of it where there is no room. */
  offer(offered: OfferedEntry): void {
    if (!this.#room.take(offered.body.length, this.#bytes)) {
      releaseBytes(offered.body);
      return;
    }
    this.#entries.set(offered.entry.id, offered);
    this.#bytes += offered.body.length;
  }

  /** The entry of this id, which is kept. */
  get(id: string): OfferedEntry | undefined {
    return this.#entries.get(id);
  }

  /** The entry of this id, which is let go of. */
  take(id: string): OfferedEntry | undefined {
    const offered = this.#entries.get(id);
    if (offered === undefined) return undefined;
    this.#entries.delete(id);
    this.#bytes -= offered.body.length;
    this.#room.give(offered.body.length, this.#bytes);
    return offered;
  }

  /** Lets go of the entries that have been held longest: those that the fold has gone past. */
  dropOldest(count: number): void {
    let left = count;
    for (const id of this.#entries.keys()) {
      if (left-- <= 0) return;
      releaseBytes(this.take(id)!.body);
    }
  }

  /** Lets go of everything. */
  clear(): void {
    this.dropOldest(this.#entries.size);
  }
}
