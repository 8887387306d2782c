/**
 * The participant in whose name the rows of erased persons are kept, one in each meeting, so that totals stay; and how it is
 * told who was erased without keeping their name.
 */
import { createHash } from "node:crypto";
import { DIMENSION_LENGTHS, fitName, fitText, type SeriesDimensions } from "./dimensions.ts";

/** The `participant_id` of rows of erased persons. */
export const ERASED_PARTICIPANT = "__erased__";

/** Whose rows are erased: a participant's of all meetings, or of one. */
export interface ErasedParticipant {
  readonly participantId: string;
  readonly meetingId?: string;
}

/** A row of `erased_participants`. */
export interface ErasedParticipantRow {
  /** 64 lower-case hexadecimal digits: SHA-256 of the participant's id, and of the meeting's where only that was erased. */
  readonly erasureKey: string;
  /** Epoch seconds. */
  readonly erasedAt: number;
}

/** A row of `erased_series`: whatever is still counted of the series is added to the other. */
export interface ErasedSeriesRow {
  readonly seriesId: bigint;
  /** The series of the same meeting without the name. */
  readonly erasedInto: bigint;
}

/** The ids as they are stored: cut to their columns' widths. */
export function fitErased({ participantId, meetingId }: ErasedParticipant): ErasedParticipant {
  const participant = { participantId: fitText(participantId, DIMENSION_LENGTHS.participantId) };
  return meetingId === undefined
    ? participant
    : { ...participant, meetingId: fitName(meetingId, DIMENSION_LENGTHS.meetingId) };
}

/** The key of an erasure, of ids that fit. */
export function erasureKey({ participantId, meetingId }: ErasedParticipant): string {
  const parts = meetingId === undefined ? [participantId] : [participantId, meetingId];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

/** The dimensions that an erased person's series becomes part of. */
export function withoutParticipant(dimensions: SeriesDimensions): SeriesDimensions {
  return { ...dimensions, participantId: ERASED_PARTICIPANT };
}
