/** What every row of the scale runs has: three receivers behind haproxy, exporters and pages. */
import { SignJWT } from "jose";
import type { Load, Sender } from "../faults/load.ts";
import type { Journal } from "../faults/journal.ts";
import type { Fault, Front, Scene, Size } from "../faults/run-cycle.ts";
import type { SeededRandom } from "../faults/seeded-random.ts";
import { HaproxyFront } from "./haproxy-front.ts";
import { Page } from "./page.ts";
import { ScaleStores } from "./scale-stores.ts";

/** A row. */
export interface ScaleFault extends Pick<Fault, "name" | "habits" | "environment" | "open"> {
  /** Pages for each exporter. Default 1. */
  readonly pages?: number;
  /** Whether a Redis primary may be replaced by its replica: what was not replicated then may be lost. */
  readonly replacesPrimary?: boolean;
  /** Does it, and rejects when it did not take place. The load runs meanwhile and is answered again when this ends. */
  inject(scene: ScaleScene): Promise<void>;
}

/** Everything that a row can lay hands on. */
export interface ScaleScene extends Scene {
  readonly stores: ScaleStores;
  readonly front: HaproxyFront;
}

/** A small load and short faults, for every test run. */
export const SHORT: Size = {
  short: true,
  batches: 15,
  senders: 3,
  timing: { retryAfterSecond: 50, firstBackoff: 10, mostBackoff: 100, timeout: 3000, mostPause: 20 },
};

/** A cycle of some seconds, so that there can be many of them. */
export const LONG: Size = {
  short: false,
  batches: 60,
  senders: 4,
  timing: { retryAfterSecond: 300, firstBackoff: 50, mostBackoff: 1000, timeout: 5000, mostPause: 30 },
};

const RECEIVERS = 3;
const MEETINGS = 5;
const SECRET = "the secret of the pages of these tests";

/** The row as the harness runs it. `waitReplicas`: `REDIS_WAIT_REPLICAS`. */
export function asFault(row: ScaleFault, waitReplicas: number): Fault {
  const { name, habits, environment, inject, open, pages = 1, replacesPrimary = false } = row;
  const mayLose = replacesPrimary && waitReplicas === 0;
  return {
    name,
    backends: ["servers"],
    receivers: RECEIVERS,
    ...(habits === undefined ? {} : { habits }),
    ...(open === undefined ? {} : { open }),
    // The step over what is missing must still be credible.
    ...(mayLose ? { mayLose, largestStep: 2 ** 40 } : {}),
    environment: {
      BRIDGE_JWT_SECRET: SECRET,
      BRIDGE_MAX_EVENTS_PER_MINUTE: "100000",
      BRIDGE_MAX_PENDING_PER_ADDRESS: "1000",
      ...environment,
    },
    joins: (journal, front, random, size) => pagesOf(journal, front, random, size, pages),
    async inject(scene) {
      const { stores, front } = scene;
      if (!(stores instanceof ScaleStores && front instanceof HaproxyFront)) throw new Error("this needs a cluster");
      await inject({ ...scene, stores, front });
      if (mayLose) scene.witness(atRisk(scene.load));
    },
  };
}

function atRisk({ journal }: Load): string {
  return `${journal.batchesAtRisk} batches, ${journal.pointsAtRisk} points at risk`;
}

function pagesOf(
  journal: Journal,
  front: Front,
  random: SeededRandom,
  { senders, timing }: Size,
  perSender: number,
): readonly Sender[] {
  if (!(front instanceof HaproxyFront)) throw new Error("pages need haproxy");
  return Array.from({ length: senders * perSender }, (_, at) => {
    const name = `page-${at}`;
    return new Page({
      bridgeOrigin: front.bridgeOrigin,
      journal,
      random: random.fork(name),
      name,
      meeting: `meeting-${at % MEETINGS}`,
      token: pageToken,
      timeout: timing.timeout,
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
