/**
 * Bridge: who is connected, and who was a moment ago: limits are a participant's, over all of their connections, and a new
 * connection does not begin them anew.
 */
import type { BridgeIdentity } from "../model/ingest-log.ts";
import type { WalkMetrics } from "../model/metrics-walk.ts";
import { EventRate } from "./event-rate.ts";
import { SeriesLimit } from "./series-limit.ts";

/** Bounds on what one participant may do. */
export interface ParticipantLimits {
  readonly maxEventsPerMinute: number;
  readonly maxSeries: number;
  /** Tabs and devices; the oldest makes room for one more, it may be a connection that is lost and does not know. */
  readonly maxConnections: number;
  /** Participants remembered that are not connected any more. */
  readonly maxAbsent: number;
}

/** One connection of a participant. */
export interface ParticipantConnection {
  /** Ends it for one that is newer. */
  replace(): void;
}

/** One participant of one meeting, of one tenant: two tenants' tokens may name the same. */
export interface Participant {
  readonly identity: BridgeIdentity;
  /** As the token names it; absent: it names none. */
  readonly tenant: string | undefined;
  readonly rate: EventRate;
  readonly series: SeriesLimit;
  /** Oldest first. */
  readonly connections: Set<ParticipantConnection>;
}

/** All of them. */
export class Participants {
  readonly #limits: ParticipantLimits;
  readonly #walk: WalkMetrics;
  readonly #hashSeed: number;
  readonly #present = new Map<string, Participant>();
  /** Who left, longest ago first. */
  readonly #absent = new Map<string, Participant>();

  /** `hashSeed`: see {@link hashOf}. */
  constructor(limits: ParticipantLimits, walk: WalkMetrics, hashSeed: number) {
    this.#limits = limits;
    this.#walk = walk;
    this.#hashSeed = hashSeed;
  }

  /** Participants with a connection. */
  get count(): number {
    return this.#present.size;
  }

  /** Adds a connection. */
  join(identity: BridgeIdentity, tenant: string | undefined, connection: ParticipantConnection): Participant {
    const key = keyOf(identity, tenant);
    const participant = this.#present.get(key) ?? this.#absent.get(key) ?? this.#make(identity, tenant);
    this.#absent.delete(key);
    this.#present.set(key, participant);
    participant.connections.add(connection);
    if (participant.connections.size > this.#limits.maxConnections) {
      const [oldest] = participant.connections;
      if (oldest !== undefined) {
        participant.connections.delete(oldest);
        oldest.replace();
      }
    }
    return participant;
  }

  /** Takes a connection away; one that was taken away before is left alone. */
  leave(participant: Participant, connection: ParticipantConnection): void {
    participant.connections.delete(connection);
    const key = keyOf(participant.identity, participant.tenant);
    if (participant.connections.size > 0 || this.#present.get(key) !== participant) return;
    this.#present.delete(key);
    this.#absent.set(key, participant);
    if (this.#absent.size <= this.#limits.maxAbsent) return;
    const [longestAbsent] = this.#absent.keys();
    if (longestAbsent !== undefined) this.#absent.delete(longestAbsent);
  }

  #make({ meeting, participant }: BridgeIdentity, tenant: string | undefined): Participant {
    return {
      identity: { meeting, participant },
      tenant,
      rate: new EventRate(this.#limits.maxEventsPerMinute),
      series: new SeriesLimit(this.#limits.maxSeries, this.#walk, this.#hashSeed),
      connections: new Set(),
    };
  }
}

function keyOf({ meeting, participant }: BridgeIdentity, tenant: string | undefined): string {
  return JSON.stringify([meeting, participant, tenant ?? null]);
}
