/**
 * The participant in whose name the rows of erased persons are kept, one in each meeting, so that totals stay; and how it is
 * told who was erased without keeping their name.
 */
import { createHash } from "node:crypto";
import { DIMENSION_LENGTHS, fitText, type SeriesDimensions } from "./dimensions.ts";

/** The `participant_id` of rows of erased persons. */
export const ERASED_PARTICIPANT = "__erased__";

/** Whose rows are erased: a participant's of all meetings, or of one; of all namespaces, or of one. */
export interface ErasedParticipant {
  readonly participantId: string;
  readonly meetingId?: string;
  /** The `service.namespace` that they took part under: one tenant's "ann" is not another's. Empty: of those without one. */
  readonly namespace?: string;
}

/** A row of `erased_participants`. */
export interface ErasedParticipantRow {
  /** 64 lower-case hexadecimal digits: SHA-256 of the participant's id, and of the meeting and namespace where only those were erased. */
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
export function fitErased({ participantId, meetingId, namespace }: ErasedParticipant): ErasedParticipant {
  return {
    participantId: fitText(participantId, DIMENSION_LENGTHS.participantId),
    ...(meetingId === undefined ? {} : { meetingId: fitText(meetingId, DIMENSION_LENGTHS.meetingId) }),
    ...(namespace === undefined ? {} : { namespace: fitText(namespace, DIMENSION_LENGTHS.namespace) }),
  };
}

/** The key of an erasure, of ids that fit. */
export function erasureKey({ participantId, meetingId, namespace }: ErasedParticipant): string {
  return createHash("sha256")
    .update(JSON.stringify(keyParts(participantId, meetingId, namespace)))
    .digest("hex");
}

/** One form for each kind of erasure. Those of all namespaces are older than the others and stay as they were. */
function keyParts(participantId: string, meetingId?: string, namespace?: string): readonly (string | null)[] {
  if (namespace !== undefined) return [participantId, meetingId ?? null, namespace];
  return meetingId === undefined ? [participantId] : [participantId, meetingId];
}

/** The keys that any erasure of whom these dimensions name may have been noted under. */
export function erasureKeys({ participantId, meetingId, namespace }: SeriesDimensions): readonly string[] {
  return [
    erasureKey({ participantId }),
    erasureKey({ participantId, meetingId }),
    erasureKey({ participantId, namespace }),
    erasureKey({ participantId, meetingId, namespace }),
  ];
}

/** The dimensions that an erased person's series becomes part of. */
export function withoutParticipant(dimensions: SeriesDimensions): SeriesDimensions {
  return { ...dimensions, participantId: ERASED_PARTICIPANT };
}
