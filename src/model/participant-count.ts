/**
 * Counts who is in meetings now: one person in one meeting is one participant, however many pages or services of a namespace tell of
 * them. Two tenants' meetings of one id are two.
 * The fold counts its shard by it, the live view all shards.
 */
import { OVERFLOW_NAME, type SeriesDimensions } from "./dimensions.ts";
import { QUALITIES, type Quality } from "./metric-meaning.ts";
import type { RealtimeParticipant } from "./realtime-store.ts";

interface Known {
  quality: Quality;
  isRelayed: boolean;
}

/** The worse of two levels; what is not known is no worse than anything. */
export function worseQuality(left: Quality, right: Quality): Quality {
  if (left === "unknown") return right;
  if (right === "unknown") return left;
  return QUALITIES.indexOf(left) > QUALITIES.indexOf(right) ? left : right;
}

/** A meeting's participants by id. */
type Meeting = Map<string, Known>;

/** Participants by meeting. */
export class ParticipantCount {
  /** By namespace, then by meeting. */
  readonly #namespaces = new Map<string, Map<string, Meeting>>();

  /** Counts the participant of a series. The row that takes what comes after the series limit is of nobody. */
  add(
    { namespace, meetingId, participantId, service }: SeriesDimensions,
    { quality, relayedMonitors }: RealtimeParticipant,
  ): void {
    if (service === OVERFLOW_NAME && participantId === "") return;
    let meetings = this.#namespaces.get(namespace);
    if (meetings === undefined) this.#namespaces.set(namespace, (meetings = new Map()));
    let participants = meetings.get(meetingId);
    if (participants === undefined) meetings.set(meetingId, (participants = new Map()));
    const known = participants.get(participantId);
    if (known === undefined) {
      participants.set(participantId, { quality, isRelayed: relayedMonitors > 0 });
      return;
    }
    known.quality = worseQuality(known.quality, quality);
    known.isRelayed ||= relayedMonitors > 0;
  }

  /** Meetings with somebody in them; series that name none are not of a meeting. */
  get meetings(): number {
    let found = 0;
    for (const meetings of this.#namespaces.values()) found += meetings.size - (meetings.has("") ? 1 : 0);
    return found;
  }

  get participants(): number {
    let participants = 0;
    for (const [, meeting] of this.#meetings()) participants += meeting.size;
    return participants;
  }

  /** Participants with a relayed connection. */
  get relayParticipants(): number {
    let relayed = 0;
    for (const { isRelayed } of this.#all()) if (isRelayed) relayed += 1;
    return relayed;
  }

  /** Participants by their level. */
  byQuality(): Record<Quality, number> {
    const counts: Record<Quality, number> = { excellent: 0, good: 0, fair: 0, poor: 0, unknown: 0 };
    for (const { quality } of this.#all()) counts[quality] += 1;
    return counts;
  }

  /** Meetings with how many are in them, the largest first, at most `limit`; equal ones by name. Tenants' of one name are listed as one. */
  largestMeetings(limit: number): readonly (readonly [meeting: string, participants: number])[] {
    const sizes = new Map<string, number>();
    for (const [name, { size }] of this.#meetings()) {
      if (name !== "") sizes.set(name, (sizes.get(name) ?? 0) + size);
    }
    const sorted = [...sizes].sort((left, right) => right[1] - left[1] || (left[0] < right[0] ? -1 : 1));
    return sorted.slice(0, limit);
  }

  *#meetings(): Iterable<readonly [name: string, meeting: Meeting]> {
    for (const meetings of this.#namespaces.values()) yield* meetings;
  }

  *#all(): Iterable<Known> {
    for (const [, meeting] of this.#meetings()) yield* meeting.values();
  }
}
