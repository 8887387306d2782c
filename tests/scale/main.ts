/** `npm run test:scale`: the rows of the scale runs, as often as wanted. Ends with 1 when more was lost than may be, or any counted twice. */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { ReceiverChild } from "../faults/receiver-child.ts";
import { print, RowTable, type TableRow, whole } from "../faults/row-table.ts";
import { isSound } from "../faults/run-fault.ts";
import { ROWS } from "./rows.ts";
import { runScaleRow, type ScaleOutcome } from "./run-row.ts";
import { LONG, type ScaleFault, SHORT } from "./scale-fault.ts";
import type { SqlKind } from "./scale-sql.ts";
import { ScaleServers } from "./scale-stores.ts";

const USAGE = `npm run test:scale -- [options]
  --cycles N           cycles of each row (default: 1)
  --seed N             the seed of the first cycle; each further cycle takes the next number (default: random, printed)
  --fault TEXT         only rows whose name holds this text; may be given several times
  --wait-replicas N    REDIS_WAIT_REPLICAS of the receivers (default: 1)
  --sql NAME           group (three members of MySQL 9.7), or mariadb (one server); default: group
  --bundled            starts receivers from a bundle, in a third of the time
  --short              short faults and small loads, as in npm test
  --journal FILE       writes every batch and answer of the last cycle, a line of JSON each
rows:
${ROWS.map(({ name, open }) => `  ${name}${open === undefined ? "" : `  (only by name: ${open})`}`).join("\n")}`;

const { values } = parseArgs({
  options: {
    cycles: { type: "string", default: "1" },
    seed: { type: "string" },
    fault: { type: "string", multiple: true },
    "wait-replicas": { type: "string", default: "1" },
    sql: { type: "string", default: "group" },
    bundled: { type: "boolean", default: false },
    short: { type: "boolean", default: false },
    journal: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
const waitReplicas = whole("wait-replicas", values["wait-replicas"]);

// So that servers and receivers end with us.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

if (values.help) {
  print(USAGE);
} else {
  process.exitCode = await main();
}

async function main(): Promise<number> {
  const rows = ROWS.filter(({ name, open }) => values.fault?.some((text) => name.includes(text)) ?? open === undefined);
  if (rows.length === 0 || !["group", "mariadb"].includes(values.sql)) {
    process.stderr.write(`${USAGE}\n`);
    return 2;
  }
  const cycles = whole("cycles", values.cycles);
  const firstSeed = values.seed === undefined ? randomInt(2 ** 31) : whole("seed", values.seed);
  if (values.bundled) process.once("exit", await ReceiverChild.useBundle());
  const servers = await ScaleServers.start(values.sql as SqlKind);
  try {
    const table = new RowTable({ cycles, firstSeed, journal: values.journal });
    let sound = true;
    for (const row of rows) sound = (await table.run(tableRow(row, servers))) && sound;
    return sound ? 0 : 1;
  } finally {
    await servers.stop();
  }
}

function tableRow(row: ScaleFault, servers: ScaleServers): TableRow {
  const size = values.short ? SHORT : LONG;
  const options = `--wait-replicas ${waitReplicas} --sql ${values.sql}${values.short ? " --short" : ""}`;
  return {
    name: row.name,
    backend: values.sql,
    obstacle: undefined,
    run: (seed) => runScaleRow(row, { servers, seed, size, waitReplicas }),
    isSound: (outcome) => isSound((outcome as ScaleOutcome).fault, outcome),
    again: (seed) => `npm run test:scale -- --seed ${seed} --fault "${row.name}" ${options}`,
  };
}
