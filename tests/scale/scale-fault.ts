/** What every row of the scale runs has: three receivers behind haproxy, exporters and pages. */
import { PAGE_SETTINGS, pagesOf } from "../faults/pages.ts";
import type { Fault, Scene, Size } from "../faults/run-cycle.ts";
import { HaproxyFront } from "./haproxy-front.ts";
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

/** The row as the harness runs it. `waitReplicas`: `REDIS_WAIT_REPLICAS`. */
export function asFault(row: ScaleFault, waitReplicas: number): Fault {
  const { name, habits, environment, inject, open, pages = 1, replacesPrimary = false } = row;
  const mayLose = replacesPrimary && waitReplicas === 0;
  return {
    name,
    backends: ["servers"],
    receivers: RECEIVERS,
    startTogether: true,
    ...(habits === undefined ? {} : { habits }),
    ...(open === undefined ? {} : { open }),
    // The step over what is missing must still be credible.
    ...(mayLose ? { mayLose, largestStep: 2 ** 40 } : {}),
    environment: {
      ...PAGE_SETTINGS,
      ...environment,
    },
    joins(journal, front, random, { senders, timing }) {
      return pagesOf({ journal, front, random, pages: senders * pages, timing });
    },
    async inject(scene) {
      const { stores, front } = scene;
      if (!(stores instanceof ScaleStores && front instanceof HaproxyFront)) throw new Error("this needs a cluster");
      await inject({ ...scene, stores, front });
    },
  };
}
