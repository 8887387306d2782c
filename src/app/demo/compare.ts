/**
 * Sets what the load counted beside what was stored, endpoint by endpoint, to the byte.
 */
import { NO_AMOUNTS, sameAmounts, sumOf, type Amounts, type EndpointTotals } from "./endpoint-totals.ts";
import type { StoredTotals } from "./stored-totals.ts";

/** One line of the comparison. */
export interface ComparedLine {
  readonly name: string;
  readonly load: Amounts;
  readonly stored: Amounts;
  readonly equal: boolean;
}

/** The whole comparison. */
export interface Comparison {
  /** Endpoint by endpoint, against `metrics_hourly`. */
  readonly endpoints: readonly ComparedLine[];
  /** The sums of each table. */
  readonly sums: readonly ComparedLine[];
  /** Whether there was something to compare and all of it is equal. */
  readonly equal: boolean;
}

/** Compares. An endpoint that only one side knows is a difference. */
export function compareTotals(load: EndpointTotals, stored: StoredTotals): Comparison {
  const names = [...new Set([...load.keys(), ...stored.hourly.keys()])].sort(byRoute);
  const endpoints = names.map((name) => compareLine(name, load.get(name), stored.hourly.get(name)));
  const sums = [
    compareLine("sum of metrics_hourly", sumOf(load), sumOf(stored.hourly)),
    compareLine("sum of metrics_minute", sumOf(load), sumOf(stored.minute)),
    compareLine("sum of metrics_daily", sumOf(load), sumOf(stored.daily)),
  ];
  const equal = endpoints.length > 0 && [...endpoints, ...sums].every((line) => line.equal);
  return { endpoints, sums, equal };
}

function compareLine(name: string, load: Amounts = NO_AMOUNTS, stored: Amounts = NO_AMOUNTS): ComparedLine {
  return { name, load, stored, equal: sameAmounts(load, stored) };
}

/** By route, then by method: a name begins with its method. */
function byRoute(left: string, right: string): number {
  const key = (name: string): string => name.slice(name.indexOf(" ")).trimStart() + name;
  return key(left) < key(right) ? -1 : 1;
}

const COLUMN_GAP = "  ";
const HEADINGS: readonly (readonly string[])[] = [
  ["", "requests", "", "bytes in", "", "bytes out", "", ""],
  ["endpoint", "load", "stored", "load", "stored", "load", "stored", ""],
];

/** The comparison as a table: what the load counted, and beside it what was stored. */
export function comparisonTable({ endpoints, sums }: Comparison): readonly string[] {
  const body = endpoints.map(cells);
  const foot = sums.map(cells);
  const rows = [...HEADINGS, ...body, ...foot];
  const widths = HEADINGS[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column === 0 || column === row.length - 1 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
      )
      .join(COLUMN_GAP)
      .trimEnd();
  const rule = widths.map((width) => "─".repeat(width)).join(COLUMN_GAP);
  return [...HEADINGS.map(line), rule, ...body.map(line), rule, ...foot.map(line)];
}

function cells({ name, load, stored, equal }: ComparedLine): readonly string[] {
  const pairs = [
    [load.requests, stored.requests],
    [load.bytesIn, stored.bytesIn],
    [load.bytesOut, stored.bytesOut],
  ];
  const amounts = pairs.flat();
  return [name, ...amounts.map((amount) => amount.toLocaleString("en-US")), equal ? "equal" : "DIFFERENT"];
}
