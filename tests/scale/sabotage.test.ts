/** The scale runs fail when they should: what exactness rests on is left out, piece by piece. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { replaceSource, type SourceChange } from "../faults/child-modules.ts";
import { missingPrograms } from "./needed-programs.ts";
import { pauseReceivers } from "./receiver-rows.ts";
import { runScaleRow } from "./run-row.ts";
import { type ScaleFault, SHORT } from "./scale-fault.ts";
import { ScaleServers } from "./scale-stores.ts";
import { REPLICA_BEHIND } from "./store-rows.ts";

interface Sabotage {
  readonly title: string;
  readonly row: ScaleFault;
  readonly waitReplicas: number;
  readonly change?: SourceChange;
  readonly reported: "lost" | "doubled";
}

const SABOTAGES: readonly Sabotage[] = [
  {
    title: "no replica is waited for",
    row: REPLICA_BEHIND,
    waitReplicas: 0,
    reported: "lost",
  },
  {
    title: "the offset is not compared before it is set",
    // It shows only where one falls asleep that was to commit, and sleeps until another has done it in its place.
    row: { name: "receivers paused", inject: (scene) => pauseReceivers(scene, 6, 1500) },
    waitReplicas: 1,
    change: { file: "rollup/mysql-commit.ts", from: "return changed === 1;", to: "return changed >= 0;" },
    reported: "doubled",
  },
];

const MAX_CYCLES = 6;
const missing = await missingPrograms();

describe.skipIf(missing !== "")(`the scale runs report${missing}`, () => {
  let servers: ScaleServers;
  beforeAll(async () => {
    servers = await ScaleServers.start("mariadb");
  });
  afterAll(() => servers?.stop());

  for (const { title, row, waitReplicas, change, reported } of SABOTAGES) {
    it(`${reported}, when ${title}`, { timeout: 240_000 }, async () => {
      const imports = change === undefined ? [] : [replaceSource(change)];
      let outcome = await runScaleRow(row, { servers, seed: 1, size: SHORT, waitReplicas, imports });
      // Whether a primary dies with something that nobody else has is a matter of moments: it needs one of a few.
      for (let seed = 2; outcome[reported] === 0n && seed <= MAX_CYCLES; seed += 1) {
        outcome = await runScaleRow(row, { servers, seed, size: SHORT, waitReplicas, imports });
      }
      expect(outcome[reported]).toBeGreaterThan(0n);
      expect(outcome.differences).not.toEqual([]);
    });
  }
});
