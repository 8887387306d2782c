/** How many users meetings have: groups for a picture, the largest by name, however many meetings there are. Pure. */
import type { WebrtcView } from "./live-json.ts";

/** Meetings of a size. */
export interface MeetingSizeGroup {
  readonly label: string;
  readonly meetings: number;
}

/** A meeting by name, which comes from whoever made its token. */
export interface MeetingSize {
  readonly meeting: string;
  readonly participants: number;
}

/** What is shown of the meetings. */
export interface MeetingSizes {
  /** The meetings that the view names, by size; smallest first. */
  readonly groups: readonly MeetingSizeGroup[];
  /** Largest first. */
  readonly largest: readonly MeetingSize[];
  /** Meetings that are not in `largest`. */
  readonly others: number;
  /** Meetings of which the view tells only that they are no larger than those it names. */
  readonly unnamed: number;
  /** Users by meetings; 0 without any. */
  readonly mean: number;
}

/** Meetings that are listed by name. */
export const MAX_LISTED_MEETINGS = 10;

const GROUPS: readonly { readonly label: string; readonly to: number }[] = [
  { label: "1 user", to: 1 },
  { label: "2 users", to: 2 },
  { label: "3–5 users", to: 5 },
  { label: "6–10 users", to: 10 },
  { label: "11–25 users", to: 25 },
  { label: "26–100 users", to: 100 },
  { label: "over 100 users", to: Number.POSITIVE_INFINITY },
];

/** Groups the meetings of a live view. */
export function meetingSizes({ participantsByMeeting, meetings, participants }: WebrtcView): MeetingSizes {
  const named = Object.entries(participantsByMeeting).map(([meeting, users]) => ({ meeting, participants: users }));
  // Equal sizes keep the order of their names, so that the list does not flicker.
  named.sort((a, b) => b.participants - a.participants || (a.meeting < b.meeting ? -1 : 1));
  const counts = GROUPS.map(() => 0);
  for (const meeting of named) counts[GROUPS.findIndex(({ to }) => meeting.participants <= to)]! += 1;
  const largest = named.slice(0, MAX_LISTED_MEETINGS);
  return {
    groups: GROUPS.map(({ label }, index) => ({ label, meetings: counts[index]! })),
    largest,
    others: Math.max(0, meetings - largest.length),
    unnamed: Math.max(0, meetings - named.length),
    mean: meetings > 0 ? participants / meetings : 0,
  };
}
