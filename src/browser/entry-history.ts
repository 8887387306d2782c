/**
 * Worker: what each object of one connection said last, and by how much its counters have risen since. Every rule about
 * baselines is here: an increase that cannot be known is `undefined`, never 0 and never the whole value.
 */
import type { Snapshot } from "./snapshot.ts";
import { type AnyStatsEntry, type CounterName, STATS_FIELDS, type StatsEntry, type StatsType } from "./stats-entry.ts";

/** Objects remembered for a connection; those that vanished longest ago are forgotten first. */
export const MAX_REMEMBERED = 4_000;

/** From this on, a count of lost packets is a negative one that went through an unsigned number. */
const NOT_A_COUNT = 2 ** 31;

/** Transports and pairs made while the connection is followed have counted from 0. */
const BORN_EMPTY: ReadonlySet<StatsType> = new Set(["transport", "candidate-pair"]);

/** So have streams, unless one that was known is missing: then a new id may be a new name, with an old count. */
const RENAMED: ReadonlySet<StatsType> = new Set(["inbound-rtp", "outbound-rtp", "remote-inbound-rtp"]);

interface Remembered {
  readonly entry: AnyStatsEntry;
  /** Whether it came into being while the connection was followed, so that its counters are known from 0 on. */
  readonly sinceBirth: boolean;
  /** The most packets this object has ever called lost. */
  readonly mostLost: number | undefined;
}

/** The last values of every object of one connection. */
export class EntryHistory {
  readonly #remembered = new Map<string, Remembered>();
  #followed = false;
  /** Whether objects were forgotten, so that what seems new may not be. */
  #hasForgotten = false;
  #reading: Snapshot | undefined;
  /** Types of which an object that was known is missing from the snapshot that is read; `undefined`: not looked yet. */
  #missing: ReadonlySet<StatsType> | undefined;

  /** What is asked from now on is asked about objects of this snapshot. */
  read(snapshot: Snapshot): void {
    this.#reading = snapshot;
    this.#missing = undefined;
  }

  /**
   * By how much a counter rose since the object was last seen. `undefined`: not told, first seen, or restarted. An object
   * that came into being while the connection was followed has risen from 0.
   */
  increase<T extends StatsType>(entry: StatsEntry<T>, counter: CounterName<T>): number | undefined {
    const value = counterOf(entry, counter);
    if (value === undefined) return undefined;
    const before = this.#remembered.get(entry.id)?.entry;
    if (before === undefined) return this.#isNew(entry) ? value : undefined;
    if (before.type !== entry.type || hasRestarted(before, entry)) return undefined;
    const last = counterOf(before, counter);
    return last === undefined ? undefined : value - last;
  }

  /** The object as it was last seen, if it is the same and has not restarted. */
  before<T extends StatsType>(entry: StatsEntry<T>): StatsEntry<T> | undefined {
    const before = this.#remembered.get(entry.id)?.entry;
    if (before === undefined || before.type !== entry.type || hasRestarted(before, entry)) return undefined;
    return before as unknown as StatsEntry<T>;
  }

  /** Whether all that this object has ever counted was counted while the connection was followed. */
  knowsSinceBirth<T extends StatsType>(entry: StatsEntry<T>): boolean {
    const remembered = this.#remembered.get(entry.id);
    if (remembered === undefined) return this.#isNew(entry);
    return remembered.sinceBirth && this.before(entry) !== undefined;
  }

  /**
   * Packets newly lost. `change` may be negative: a late packet takes a loss back. `counted` is for a counter that cannot
   * go down: only what exceeds the most ever called lost.
   */
  lost(entry: StatsEntry<"inbound-rtp" | "remote-inbound-rtp">): { change: number; counted: number } | undefined {
    const last = this.#isNew(entry) ? 0 : this.before(entry)?.packetsLost;
    const { packetsLost } = entry;
    if (last === undefined || packetsLost === undefined) return undefined;
    if (packetsLost >= NOT_A_COUNT || last >= NOT_A_COUNT) return undefined;
    const most = this.#remembered.get(entry.id)?.mostLost ?? last;
    return { change: packetsLost - last, counted: Math.max(0, packetsLost - Math.max(most, 0)) };
  }

  /** Makes the snapshot that is read the one that later ones are compared with. */
  remember(): void {
    for (const entry of this.#reading?.entries ?? []) {
      const sinceBirth = this.knowsSinceBirth(entry);
      const mostLost = this.#mostLost(entry);
      // Deleted first, so that the map's order is that of the last sight.
      this.#remembered.delete(entry.id);
      this.#remembered.set(entry.id, { entry, mostLost, sinceBirth });
    }
    this.#followed = true;
    for (const id of this.#remembered.keys()) {
      if (this.#remembered.size <= MAX_REMEMBERED) break;
      this.#remembered.delete(id);
      this.#hasForgotten = true;
    }
  }

  /** Whether the object came into being after the last snapshot, and so began at 0. */
  #isNew({ id, type }: { readonly id: string; readonly type: StatsType }): boolean {
    if (!this.#followed || this.#remembered.has(id)) return false;
    if (BORN_EMPTY.has(type)) return true;
    return RENAMED.has(type) && !this.#hasForgotten && !this.#missingTypes().has(type);
  }

  #missingTypes(): ReadonlySet<StatsType> {
    if (this.#missing !== undefined) return this.#missing;
    const missing = new Set<StatsType>();
    for (const { entry } of this.#remembered.values()) {
      if (this.#reading?.find(entry.type, entry.id) === undefined) missing.add(entry.type);
    }
    this.#missing = missing;
    return missing;
  }

  #mostLost(entry: AnyStatsEntry): number | undefined {
    if (entry.type !== "inbound-rtp" && entry.type !== "remote-inbound-rtp") return undefined;
    const now = entry.packetsLost !== undefined && entry.packetsLost < NOT_A_COUNT ? entry.packetsLost : undefined;
    const most = this.before<"inbound-rtp" | "remote-inbound-rtp">(entry)
      ? this.#remembered.get(entry.id)?.mostLost
      : undefined;
    return now === undefined || most === undefined ? (now ?? most) : Math.max(now, most);
  }
}

function counterOf(entry: { readonly id: string }, name: string): number | undefined {
  return (entry as unknown as Readonly<Record<string, number | undefined>>)[name];
}

/** One counter lower than before: the object has begun again, and none of its counters can be compared. */
function hasRestarted(
  before: { readonly id: string; readonly type: StatsType },
  now: { readonly id: string },
): boolean {
  return STATS_FIELDS[before.type].counters.some((name) => {
    const [last, value] = [counterOf(before, name), counterOf(now, name)];
    return last !== undefined && value !== undefined && value < last;
  });
}
