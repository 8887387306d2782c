/** A short round of the scale runs, on a Redis Cluster and one MariaDB. `npm run test:scale` runs all rows, as long as wanted. */
import { randomInt } from "node:crypto";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isSound } from "../faults/run-fault.ts";
import { missingPrograms } from "./needed-programs.ts";
import { ROWS } from "./rows.ts";
import { runScaleRow } from "./run-row.ts";
import { SHORT } from "./scale-fault.ts";
import { ScaleServers } from "./scale-stores.ts";

const ROW_MILLIS = 120_000;
const NAMES: ReadonlySet<string> = new Set([
  "receiver killed",
  "bridge killed with pages connected",
  "Redis primary killed, replica behind",
  "everything at random",
]);

const missing = await missingPrograms();
const seed = Number(process.env["SCALE_SEED"] ?? randomInt(2 ** 31));

describe.skipIf(missing !== "")(`what three receivers behind haproxy acknowledged is stored once${missing}`, () => {
  let servers: ScaleServers;
  beforeAll(async () => {
    servers = await ScaleServers.start("mariadb");
  });
  afterAll(() => servers?.stop());

  const rows = ROWS.filter(({ name }) => NAMES.has(name));
  it.each(rows)("after: $name", { timeout: ROW_MILLIS }, async (row) => {
    const again = `npm run test:scale -- --short --sql mariadb --seed ${seed} --fault ${JSON.stringify(row.name)}`;
    const outcome = await runScaleRow(row, { servers, seed, size: SHORT, waitReplicas: 1 });
    const { fault, differences, lost, doubled, witnessed } = outcome;
    expect(isSound(fault, outcome), `${again}\n${inspect({ lost, doubled, differences })}`).toBe(true);
    expect(witnessed, again).not.toEqual([]);
  });
});
