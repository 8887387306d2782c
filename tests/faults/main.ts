/** `npm run test:faults`: the fault matrix, as often as wanted. Ends with 1 when anything was lost or counted twice. */
import { randomInt } from "node:crypto";
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { FAULTS, LONG, SHORT } from "./matrix.ts";
import { isSound, type Outcome, runFault } from "./run-fault.ts";
import type { Fault } from "./run-cycle.ts";
import { type BackendKind, Servers } from "./stores.ts";

const USAGE = `npm run test:faults -- [options]
  --cycles N           cycles of each row (default: 1)
  --seed N             the seed of the first cycle; each further cycle takes the next number (default: random, printed)
  --fault TEXT         only rows whose name holds this text; may be given several times
  --backend NAME       servers (Redis and MariaDB) or embedded (SQLite); default: both
  --sql NAME           mariadb, or mysql97 (see npm run test:mysql); default: mariadb
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
    short: { type: "boolean", default: false },
    journal: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

const MAX_DIFFERENCES = 10;
const COLUMNS = [56, 9, 6, 8, 7, 20, 20, 6, 8] as const;

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
  print(`seed ${firstSeed}`);
  printRow("fault", "backend", "cycles", "batches", "failed", "acknowledged", "stored", "lost", "doubled", "seen");
  let sound = true;
  for (const kind of kinds) {
    const servers = kind === "servers" ? await Servers.start(values.sql as "mariadb" | "mysql97") : undefined;
    try {
      for (const fault of faults.filter(({ backends }) => backends.includes(kind))) {
        sound = (await runRow(fault, kind, servers, cycles, firstSeed)) && sound;
      }
    } finally {
      await servers?.stop();
    }
  }
  return sound ? 0 : 1;
}

/** Runs one row and prints it; whether nothing was lost, counted twice, or went wrong otherwise. */
async function runRow(
  fault: Fault,
  kind: BackendKind,
  servers: Servers | undefined,
  cycles: number,
  firstSeed: number,
): Promise<boolean> {
  const obstacle = fault.obstacle?.(kind);
  if (obstacle !== undefined) {
    printRow(fault.name, kind, "-", "-", "-", "-", "-", "-", "-", `skipped: ${obstacle}`);
    return true;
  }
  const sum = { batches: 0, failed: 0, acknowledged: 0n, stored: 0n, lost: 0n, doubled: 0n };
  let witnessed = "";
  let cycle = 0;
  let fine = true;
  for (; cycle < cycles && fine; cycle++) {
    const seed = firstSeed + cycle;
    try {
      const outcome = await runFault(fault, kind, servers, seed, values.short ? SHORT : LONG);
      sum.batches += outcome.journal.acknowledgedBatches;
      sum.failed += outcome.journal.failedAttempts;
      for (const name of ["acknowledged", "stored", "lost", "doubled"] as const) sum[name] += outcome[name];
      witnessed = outcome.witnessed.join(", ");
      if (values.journal !== undefined) writeJournal(values.journal, outcome);
      fine = isSound(fault, outcome);
      if (!fine) complain(outcome, fault, kind, seed);
    } catch (error) {
      fine = false;
      print(`${error instanceof Error ? error.message : String(error)}\n${replay(fault, kind, seed)}`);
    }
  }
  const { batches, failed, acknowledged, stored, lost, doubled } = sum;
  printRow(fault.name, kind, cycle, batches, failed, acknowledged, stored, lost, doubled, fine ? witnessed : "FAILED");
  return fine;
}

function complain({ differences }: Outcome, fault: Fault, kind: BackendKind, seed: number): void {
  for (const { row, column, acknowledged, stored } of differences.slice(0, MAX_DIFFERENCES)) {
    print(`  ${row} ${column}: acknowledged ${acknowledged}, stored ${stored}`);
  }
  if (differences.length > MAX_DIFFERENCES) print(`  and ${differences.length - MAX_DIFFERENCES} more`);
  print(replay(fault, kind, seed));
}

function replay({ name }: Fault, kind: BackendKind, seed: number): string {
  const short = values.short ? " --short" : "";
  return `  again: npm run test:faults -- --seed ${seed} --fault "${name}" --backend ${kind} --sql ${values.sql}${short}`;
}

function writeJournal(file: string, { journal }: Outcome): void {
  writeFileSync(file, journal.lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
}

function printRow(...cells: readonly (string | number | bigint)[]): void {
  print(cells.map((cell, at) => String(cell).padEnd(COLUMNS[at] ?? 0)).join(" "));
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`--${name}: expected a whole number (got ${text})`);
}

function usage(): number {
  process.stderr.write(`${USAGE}\n`);
  return 2;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
