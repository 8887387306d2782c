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

/** Transports and pairs made while the connection is followed have counted from 0; RTP ids may be renamed with a count. */
const BORN_EMPTY: ReadonlySet<StatsType> = new Set(["transport", "candidate-pair"]);

interface Remembered {
  readonly entry: AnyStatsEntry;
  /** The most packets this object has ever called lost. */
  readonly mostLost: number | undefined;
}

/** The last values of every object of one connection. */
export class EntryHistory {
  readonly #remembered = new Map<string, Remembered>();
  #followed = false;

  /**
   * By how much a counter rose since the object was last seen. `undefined`: not told, first seen, or restarted. A transport
   * or candidate pair that came into being while the connection was followed has risen from 0.
   */
  increase<T extends StatsType>(entry: StatsEntry<T>, counter: CounterName<T>): number | undefined {
    const value = counterOf(entry, counter);
    if (value === undefined) return undefined;
    const before = this.#remembered.get(entry.id)?.entry;
    if (before === undefined) return this.#followed && BORN_EMPTY.has(entry.type) ? value : undefined;
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

  /**
   * Packets newly lost. `change` may be negative: a late packet takes a loss back. `counted` is for a counter that cannot
   * go down: only what exceeds the most ever called lost.
   */
  lost(entry: StatsEntry<"inbound-rtp" | "remote-inbound-rtp">): { change: number; counted: number } | undefined {
    const before = this.before(entry);
    const { packetsLost } = entry;
    if (before?.packetsLost === undefined || packetsLost === undefined) return undefined;
    if (packetsLost >= NOT_A_COUNT || before.packetsLost >= NOT_A_COUNT) return undefined;
    const most = this.#remembered.get(entry.id)?.mostLost ?? before.packetsLost;
    return { change: packetsLost - before.packetsLost, counted: Math.max(0, packetsLost - Math.max(most, 0)) };
  }

  /** Makes this snapshot the one that later ones are compared with. */
  remember(snapshot: Snapshot): void {
    for (const entry of snapshot.entries) {
      const mostLost = this.#mostLost(entry);
      // Deleted first, so that the map's order is that of the last sight.
      this.#remembered.delete(entry.id);
      this.#remembered.set(entry.id, { entry, mostLost });
    }
    this.#followed = true;
    for (const id of this.#remembered.keys()) {
      if (this.#remembered.size <= MAX_REMEMBERED) break;
      this.#remembered.delete(id);
    }
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
