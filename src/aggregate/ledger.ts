/**
 * Fold, inside: what a commit accepted of delta data, by slot, packed into rows of `ingest_ledger`, and read back when a
 * shard changes its owner.
 */
import { MAX_POINT_LEAD_MILLIS } from "../model/admission.ts";
import type { LedgerRow } from "../model/rollup-store.ts";
import { ByteReader, ByteWriter } from "./byte-buffer.ts";
import type { DeltaHash } from "./delta-hash.ts";
import type { RecentDeltas } from "./recent-deltas.ts";

/** Bytes kept of a body's SHA-256. */
const BODY_HASH_BYTES = 16;
const WORD_BYTES = 4;

interface SlotEntries {
  readonly bodies: Set<string>;
  /** Pairs of words. */
  readonly points: number[];
  receivedAtMillis: number;
  /** Newest time of its points; 0 without any. */
  newestPointMillis: number;
}

/** The form in which bodies are compared: the first half of their hash. */
export function bodyKey(hash: Uint8Array): string {
  return Buffer.from(hash.subarray(0, BODY_HASH_BYTES)).toString("hex");
}

/** Hashes in one row, so that no row is larger than what a server takes at once: 1 MiB. */
const MAX_HASHES_PER_ROW = 65_536;

/** Collects what is accepted between two commits. */
export class LedgerBuilder {
  #slots = new Map<number, SlotEntries[]>();
  #hashes = 0;

  /** Bodies and points noted since the last commit. */
  get hashes(): number {
    return this.#hashes;
  }

  /** Notes a body that holds delta points of a slot. */
  addBody(slot: number, key: string, receivedAtMillis: number): void {
    this.#entries(slot, receivedAtMillis).bodies.add(key);
  }

  /** Notes an accepted delta point. */
  addPoint(slot: number, hash: DeltaHash, receivedAtMillis: number, pointMillis: number): void {
    const entries = this.#entries(slot, receivedAtMillis);
    entries.points.push(hash.high, hash.low);
    entries.newestPointMillis = Math.max(entries.newestPointMillis, pointMillis);
  }

  #entries(slot: number, receivedAtMillis: number): SlotEntries {
    this.#hashes++;
    const rows = this.#slots.get(slot) ?? [];
    let entries = rows.at(-1);
    if (!entries || entries.bodies.size + entries.points.length / 2 >= MAX_HASHES_PER_ROW) {
      entries = { bodies: new Set(), points: [], receivedAtMillis, newestPointMillis: 0 };
      rows.push(entries);
      this.#slots.set(slot, rows);
    }
    entries.receivedAtMillis = Math.max(entries.receivedAtMillis, receivedAtMillis);
    return entries;
  }

  /** Takes what was collected, by slot. */
  take(): LedgerRow[] {
    const taken = [...this.#slots]
      .sort(([a], [b]) => a - b)
      .flatMap(([slot, rows]) =>
        rows.map((entries) => ({
          slot,
          entries: encode(entries),
          receivedAt: Math.ceil(entries.receivedAtMillis / 1000),
        })),
      );
    this.#slots = new Map();
    this.#hashes = 0;
    return taken;
  }
}

function encode({ bodies, points, newestPointMillis }: SlotEntries): Uint8Array {
  const writer = new ByteWriter();
  writer.uint8(1);
  writer.varint(bodies.size);
  for (const body of bodies) writer.bytes(Buffer.from(body, "hex"));
  writer.varint(points.length);
  for (const word of points) writer.uint32(word);
  // Behind what receivers read that do not know of it.
  writer.varint(newestPointMillis);
  return writer.finish();
}

/** Puts a row of the ledger back into what is known. Throws when the bytes are not of this form. */
export function recallLedgerRow(row: LedgerRow, recent: RecentDeltas): void {
  const reader = new ByteReader(row.entries);
  const version = reader.uint8();
  if (version !== 1) throw new RangeError(`a ledger row has version ${version}, expected 1`);
  const receivedAtMillis = row.receivedAt * 1000;
  for (let left = reader.varint(); left > 0; left--) {
    recent.addBody(Buffer.from(reader.bytes(BODY_HASH_BYTES)).toString("hex"), receivedAtMillis);
  }
  const words = new ByteReader(reader.bytes(WORD_BYTES * reader.varint()));
  // A row of before tells no time: none of its points was further ahead of its receive time than admission allows.
  const pointMillis = reader.done ? receivedAtMillis + MAX_POINT_LEAD_MILLIS : reader.varint();
  while (!words.done) recent.addPoint(words.uint32(), words.uint32(), receivedAtMillis, pointMillis);
}
