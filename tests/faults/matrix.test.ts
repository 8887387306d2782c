/** A short round of the fault matrix: one cycle a row. `npm run test:faults` runs it as long as wanted. */
import { randomInt } from "node:crypto";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findProgram } from "../support/mariadb-server.ts";
import { FAULTS, SHORT } from "./matrix.ts";
import { isSound, runFault } from "./run-fault.ts";
import { type BackendKind, Servers } from "./stores.ts";

const ROW_MILLIS = 120_000;
const seed = Number(process.env["FAULTS_SEED"] ?? randomInt(2 ** 31));

/** Faults end, freeze and restart the servers: those of `TEST_REDIS_URL` and `TEST_MYSQL_URL` are not ours to do so. */
const missing = await missingPrograms();

async function missingPrograms(): Promise<string[]> {
  const names = ["redis-server", "mariadbd"];
  const found = await Promise.all(names.map((name) => findProgram(name)));
  return names.filter((_, at) => found[at] === undefined);
}

function rows(kind: BackendKind, servers: () => Servers | undefined): void {
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

describe("what an embedded receiver acknowledged is stored once, after", () => {
  rows("embedded", () => undefined);
});

describe.skipIf(missing.length > 0)(
  `what a receiver on Redis and MariaDB acknowledged is stored once, after${missing.map((name) => ` (${name} is missing)`).join("")}`,
  () => {
    let servers: Servers | undefined;
    beforeAll(async () => {
      servers = await Servers.start();
    });
    afterAll(async () => {
      await servers?.stop();
    });
    rows("servers", () => servers);
  },
);
