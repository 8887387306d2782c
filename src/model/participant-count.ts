/**
 * Counts who is in meetings now: one person in one meeting is one participant, however many pages or services tell of them.
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

/** Participants by meeting. */
export class ParticipantCount {
  readonly #meetings = new Map<string, Map<string, Known>>();

  /** Counts the participant of a series. The row that takes what comes after the series limit is of nobody. */
  add(
    { meetingId, participantId, service }: SeriesDimensions,
    { quality, relayedMonitors }: RealtimeParticipant,
  ): void {
    if (service === OVERFLOW_NAME && participantId === "") return;
    let participants = this.#meetings.get(meetingId);
    if (participants === undefined) this.#meetings.set(meetingId, (participants = new Map()));
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
    return this.#meetings.size - (this.#meetings.has("") ? 1 : 0);
  }

  get participants(): number {
    let participants = 0;
    for (const meeting of this.#meetings.values()) participants += meeting.size;
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

  /** Meetings with how many are in them, the largest first, at most `limit`; equal ones by name. */
  largestMeetings(limit: number): readonly (readonly [meeting: string, participants: number])[] {
    const sizes = [...this.#meetings].map(([meeting, { size }]) => [meeting, size] as const);
    sizes.sort((left, right) => right[1] - left[1] || (left[0] < right[0] ? -1 : 1));
    return sizes.filter(([meeting]) => meeting !== "").slice(0, limit);
  }

  *#all(): Iterable<Known> {
    for (const meeting of this.#meetings.values()) yield* meeting.values();
  }
}
