/** Runs the rows of a matrix as often as wanted and prints what came of it, a line each. */
import { writeFileSync } from "node:fs";
import type { Outcome } from "./run-cycle.ts";

/** How rows are run. */
export interface RowTableOptions {
  readonly cycles: number;
  /** Of the first cycle; each further cycle takes the next number. */
  readonly firstSeed: number;
  /** A file for every batch and answer of the last cycle. */
  readonly journal: string | undefined;
}

/** One row. */
export interface TableRow {
  readonly name: string;
  readonly backend: string;
  /** Why it cannot be run here. */
  readonly obstacle: string | undefined;
  run(seed: number): Promise<Outcome>;
  isSound(outcome: Outcome): boolean;
  /** The command that runs a cycle again. */
  again(seed: number): string;
}

const MAX_DIFFERENCES = 10;
const COLUMNS = [56, 9, 6, 8, 7, 20, 20, 6, 8] as const;

/** The table. */
export class RowTable {
  readonly #options: RowTableOptions;

  /** Prints its head. */
  constructor(options: RowTableOptions) {
    this.#options = options;
    print(`seed ${options.firstSeed}`);
    printRow("fault", "backend", "cycles", "batches", "failed", "acknowledged", "stored", "lost", "doubled", "seen");
  }

  /** Runs a row and prints it; whether nothing was lost, counted twice, or went wrong otherwise. Ends at the first that was not. */
  async run(row: TableRow): Promise<boolean> {
    const { name, backend, obstacle } = row;
    if (obstacle !== undefined) {
      printRow(name, backend, "-", "-", "-", "-", "-", "-", "-", `skipped: ${obstacle}`);
      return true;
    }
    const { cycles, firstSeed, journal } = this.#options;
    const sum = { batches: 0, failed: 0, acknowledged: 0n, stored: 0n, lost: 0n, doubled: 0n };
    const counted = new Map<string, number>();
    let witnessed = "";
    let cycle = 0;
    let fine = true;
    for (; cycle < cycles && fine; cycle++) {
      const seed = firstSeed + cycle;
      try {
        const outcome = await row.run(seed);
        sum.batches += outcome.journal.acknowledgedBatches;
        sum.failed += outcome.journal.failedAttempts;
        for (const figure of ["acknowledged", "stored", "lost", "doubled"] as const) sum[figure] += outcome[figure];
        for (const [what, count] of outcome.counted ?? []) counted.set(what, (counted.get(what) ?? 0) + count);
        witnessed = [...outcome.witnessed, ...[...counted].map(([what, count]) => `${count} ${what}`)].join(", ");
        if (journal !== undefined) writeJournal(journal, outcome);
        fine = row.isSound(outcome);
        if (!fine) complain(outcome, row.again(seed));
      } catch (error) {
        fine = false;
        print(`${error instanceof Error ? error.message : String(error)}\n  again: ${row.again(seed)}`);
      }
    }
    const { batches, failed, acknowledged, stored, lost, doubled } = sum;
    printRow(name, backend, cycle, batches, failed, acknowledged, stored, lost, doubled, fine ? witnessed : "FAILED");
    return fine;
  }
}

/** A whole number of the command line; throws, naming the option, when it is none. */
export function whole(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`--${name}: expected a whole number (got ${text})`);
}

/** Writes a line to standard output. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function complain({ differences }: Outcome, again: string): void {
  for (const { row, column, acknowledged, stored } of differences.slice(0, MAX_DIFFERENCES)) {
    print(`  ${row} ${column}: acknowledged ${acknowledged}, stored ${stored}`);
  }
  if (differences.length > MAX_DIFFERENCES) print(`  and ${differences.length - MAX_DIFFERENCES} more`);
  print(`  again: ${again}`);
}

function writeJournal(file: string, { journal }: Outcome): void {
  writeFileSync(file, journal.lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
}

function printRow(...cells: readonly (string | number | bigint)[]): void {
  print(cells.map((cell, at) => String(cell).padEnd(COLUMNS[at] ?? 0)).join(" "));
}
