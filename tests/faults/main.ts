/** `npm run test:faults`: the fault matrix, as often as wanted. Ends with 1 when anything was lost or counted twice. */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { FAULTS, LONG, SHORT } from "./matrix.ts";
import { print, RowTable, type TableRow, whole } from "./row-table.ts";
import { ReceiverChild } from "./receiver-child.ts";
import { isSound, runFault } from "./run-fault.ts";
import type { Fault } from "./run-cycle.ts";
import { type BackendKind, Servers } from "./stores.ts";

const USAGE = `npm run test:faults -- [options]
  --cycles N           cycles of each row (default: 1)
  --seed N             the seed of the first cycle; each further cycle takes the next number (default: random, printed)
  --fault TEXT         only rows whose name holds this text; may be given several times
  --backend NAME       servers (Redis and MariaDB) or embedded (SQLite); default: both
  --sql NAME           mariadb, or mysql97 (see npm run test:mysql); default: mariadb
  --bundled            starts receivers from a bundle, in a third of the time, unless a row changes their source
  --short              short faults and small loads, as in npm test
  --journal FILE       writes every batch and answer of the last cycle, a line of JSON each
rows:
${FAULTS.map(rowText).join("\n")}`;

const { values } = parseArgs({
  options: {
    cycles: { type: "string", default: "1" },
    seed: { type: "string" },
    fault: { type: "string", multiple: true },
    backend: { type: "string" },
    sql: { type: "string", default: "mariadb" },
    bundled: { type: "boolean", default: false },
    short: { type: "boolean", default: false },
    journal: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

// So that servers and receivers end with us.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

if (values.help) {
  print(USAGE);
} else {
  process.exitCode = await main();
}

function rowText({ name, backends, open }: Fault): string {
  return `  ${name}  [${backends.join(", ")}]${open === undefined ? "" : `, only by name: ${open}`}`;
}

async function main(): Promise<number> {
  const cycles = whole("cycles", values.cycles);
  const firstSeed = values.seed === undefined ? randomInt(2 ** 31) : whole("seed", values.seed);
  const kinds = (["servers", "embedded"] as const).filter((kind) => kind === (values.backend ?? kind));
  const faults = FAULTS.filter(
    ({ name, open }) => values.fault?.some((text) => name.includes(text)) ?? open === undefined,
  );
  if (kinds.length === 0 || faults.length === 0 || !["mariadb", "mysql97"].includes(values.sql)) return usage();
  if (values.bundled) process.once("exit", await ReceiverChild.useBundle());
  const table = new RowTable({ cycles, firstSeed, journal: values.journal });
  let sound = true;
  for (const kind of kinds) {
    const servers = kind === "servers" ? await Servers.start(values.sql as "mariadb" | "mysql97") : undefined;
    try {
      for (const fault of faults.filter(({ backends }) => backends.includes(kind))) {
        sound = (await table.run(tableRow(fault, kind, servers))) && sound;
      }
    } finally {
      await servers?.stop();
    }
  }
  return sound ? 0 : 1;
}

function tableRow(fault: Fault, kind: BackendKind, servers: Servers | undefined): TableRow {
  const short = values.short ? " --short" : "";
  return {
    name: fault.name,
    backend: kind,
    obstacle: fault.obstacle?.(kind),
    run: (seed) => runFault(fault, kind, servers, seed, values.short ? SHORT : LONG),
    isSound: (outcome) => isSound(fault, outcome),
    again: (seed) =>
      `npm run test:faults -- --seed ${seed} --fault "${fault.name}" --backend ${kind} --sql ${values.sql}${short}`,
  };
}

function usage(): number {
  process.stderr.write(`${USAGE}\n`);
  return 2;
}
