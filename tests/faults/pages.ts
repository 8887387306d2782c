/** Pages of several meetings, and the tokens that they show. */
import { SignJWT } from "jose";
import type { ExporterTiming } from "./exporter.ts";
import type { Journal } from "./journal.ts";
import type { Sender } from "./load.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { Page } from "./page.ts";
import type { Front } from "./run-cycle.ts";

const MEETINGS = 5;
const SECRET = "the secret of the pages of these tests";

/** Settings of receivers that let these pages in. */
export const PAGE_SETTINGS: Readonly<Record<string, string>> = {
  BRIDGE_JWT_SECRET: SECRET,
  BRIDGE_MAX_EVENTS_PER_MINUTE: "100000",
  BRIDGE_MAX_PENDING_PER_ADDRESS: "1000",
};

/** How many pages, and how they send. */
export interface PagesOptions {
  readonly journal: Journal;
  readonly front: Front;
  readonly random: SeededRandom;
  readonly pages: number;
  readonly timing: ExporterTiming;
}

/** Makes them; nothing of them runs yet. */
export function pagesOf({ journal, front, random, pages, timing }: PagesOptions): readonly Sender[] {
  return Array.from({ length: pages }, (_, at) => {
    const name = `page-${at}`;
    return new Page({
      bridgeOrigin: front.bridgeOrigin,
      journal,
      random: random.fork(name),
      name,
      meeting: `meeting-${at % MEETINGS}`,
      token: pageToken,
      timeout: timing.timeout,
      // Pages export less often than services do.
      mostPause: 4 * timing.mostPause,
    });
  });
}

/** A token as whoever runs the meetings issues it. */
async function pageToken(meeting: string, participant: string): Promise<string> {
  return await new SignJWT({ meeting, participant, role: "participant" })
    .setProtectedHeader({ alg: "HS256" })
    .setExpirationTime("1h")
    .sign(new TextEncoder().encode(SECRET));
}
