/**
 * The participant in whose name the rows of erased persons are kept: one in each meeting, so that totals stay.
 */

/** The `participant_id` of rows of erased persons. */
export const ERASED_PARTICIPANT = "__erased__";
