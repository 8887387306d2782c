/** One short cycle of every row of the fault matrix, as tests. `npm run test:faults` runs the matrix as long as wanted. */
import { randomInt } from "node:crypto";
import { inspect } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { FAULTS, SHORT } from "./matrix.ts";
import { ReceiverChild } from "./receiver-child.ts";
import { isSound, runFault } from "./run-fault.ts";
import type { BackendKind, Servers } from "./stores.ts";

const ROW_MILLIS = 120_000;
const seed = Number(process.env["FAULTS_SEED"] ?? randomInt(2 ** 31));

/** Makes a test of each row of a backend. What cannot be run says why in its title. */
export function testShortRound(kind: BackendKind, servers: () => Servers | undefined): void {
  let removeBundle: (() => void) | undefined;
  beforeAll(async () => {
    removeBundle = await ReceiverChild.useBundle();
  });
  afterAll(() => removeBundle?.());
  for (const fault of FAULTS.filter(({ backends }) => backends.includes(kind))) {
    const obstacle = fault.open ?? fault.obstacle?.(kind);
    const skipped = obstacle === undefined ? "" : ` (left out: ${obstacle})`;
    it.skipIf(obstacle !== undefined)(`${fault.name}${skipped}`, { timeout: ROW_MILLIS }, async () => {
      const replay = `npm run test:faults -- --short --seed ${seed} --fault ${JSON.stringify(fault.name)} --backend ${kind}`;
      const outcome = await runFault(fault, kind, servers(), seed, SHORT);
      const { differences, lost, doubled, witnessed } = outcome;
      expect(isSound(fault, outcome), `${replay}\n${inspect({ lost, doubled, differences })}`).toBe(true);
      expect(witnessed, replay).not.toEqual([]);
    });
  }
}
