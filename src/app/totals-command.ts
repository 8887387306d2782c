/**
 * `otel-bandwidth totals`: sums over all databases, by service, route or meeting. Changes nothing, and may run beside receivers at any
 * time.
 */
import { parseArgs } from "node:util";
import { systemClock, type Clock } from "../model/clock.ts";
import { success, type Result } from "../model/result.ts";
import {
  addSums,
  SUMMED_COLUMNS,
  sumTotals,
  TOTALS_KEYS,
  type SummedSpan,
  type SummedTotals,
  type TotalsGrouping,
} from "../rollup/summed-totals.ts";
import { decimalText } from "./bill/decimal-text.ts";
import { commandSettings } from "./command-settings.ts";
import { csvText, printedKeys, tableText } from "./printed-rows.ts";
import type { ReceiverSettings } from "./settings.ts";
import { UsageError } from "./usage-error.ts";
import { timeText } from "./verify/finding.ts";
import { OUT_OF_REACH, withTotals } from "./with-totals.ts";

/** Lines at most: with more, take a coarser grouping or a shorter span. */
const MAX_LINES = 100_000;

const FORMATS = ["table", "csv", "json"] as const;

/** What is asked for. */
export interface TotalsRequest {
  readonly span: SummedSpan;
  readonly by: TotalsGrouping;
  readonly format: (typeof FORMATS)[number];
}

/** Runs the command. Exits with 0 when the sums were printed, 1 when there are too many, 2 for wrong arguments, 3 when a database is out of reach. */
export async function totalsCommand(args: readonly string[]): Promise<number> {
  const request = totalsRequest(args);
  const summed = await summedTotals(commandSettings(), systemClock, request);
  if (summed.kind !== "success") return complain(summed.reason, OUT_OF_REACH);
  if (summed.value.length > MAX_LINES)
    return complain(`there are more than ${MAX_LINES} lines: take a coarser --by`, 1);
  process.stdout.write(totalsText(request, summed.value));
  return 0;
}

/** Reads the arguments. Throws {@link UsageError}, or what `parseArgs` throws. */
export function totalsRequest(args: readonly string[]): TotalsRequest {
  const { values } = parseArgs({
    args: [...args],
    options: {
      from: { type: "string" },
      to: { type: "string" },
      by: { type: "string", default: "service" },
      format: { type: "string", default: "table" },
    },
  });
  const [fromSeconds, toSeconds] = [hourOf("--from", values.from), hourOf("--to", values.to)];
  if (toSeconds <= fromSeconds) throw new UsageError("--to: expected a time after --from");
  // Whole days are kept for ever, hours for 400 days.
  const table = fromSeconds % 86_400 === 0 && toSeconds % 86_400 === 0 ? "metrics_daily" : "metrics_hourly";
  const by = oneOf("--by", values.by, Object.keys(TOTALS_KEYS) as TotalsGrouping[]);
  return { span: { table, fromSeconds, toSeconds }, by, format: oneOf("--format", values.format, FORMATS) };
}

/** The sums over all databases, most bytes first. Retryable `unavailable` when one of them is out of reach. */
export async function summedTotals(
  settings: ReceiverSettings,
  clock: Clock,
  { span, by }: TotalsRequest,
): Promise<Result<readonly SummedTotals[]>> {
  const read = await withTotals(settings, clock, (snapshot) => sumTotals(snapshot, by, span, MAX_LINES + 1));
  return read.kind === "success" ? success([...addSums(read.value)].sort(heaviestFirst)) : read;
}

/** Each figure as it is printed, and how many decimals its amounts have. */
const FIGURES: readonly (readonly [column: (typeof SUMMED_COLUMNS)[number], name: string, decimals: number])[] = [
  ["requests", "requests", 0],
  ["errors", "errors", 0],
  ["bytes_in", "bytes_in", 0],
  ["bytes_out", "bytes_out", 0],
  ["wire_bytes_in", "wire_bytes_in", 0],
  ["wire_bytes_out", "wire_bytes_out", 0],
  ["connected_seconds", "connected_seconds", 3],
  ["relay_seconds", "relay_seconds", 3],
  ["relay_bytes", "relay_bytes", 0],
  ["relay_cost_nanos", "relay_cost", 9],
];

function totalsText({ span, by, format }: TotalsRequest, sums: readonly SummedTotals[]): string {
  const lines = sums.map(({ keys, amounts }) => ({ keys, figures: figuresOf(amounts) }));
  const total = figuresOf(SUMMED_COLUMNS.map((_, at) => sums.reduce((all, { amounts }) => all + amounts[at]!, 0n)));
  const [from, to] = [timeText(span.fromSeconds), timeText(span.toSeconds)];
  const names = FIGURES.map(([, name]) => name);
  const named = (figures: readonly string[]): object =>
    Object.fromEntries(names.map((name, at) => [name, figures[at]]));
  const columns = TOTALS_KEYS[by];
  if (format === "json") {
    const keyed = (keys: readonly string[]): object => Object.fromEntries(columns.map((name, at) => [name, keys[at]]));
    const rows = lines.map(({ keys, figures }) => ({ ...keyed(keys), ...named(figures) }));
    return `${JSON.stringify({ from, to, by, lines: rows, total: named(total) }, undefined, 2)}\n`;
  }
  if (format === "csv") {
    return csvText([[...columns, ...names], ...lines.map(({ keys, figures }) => [...keys, ...figures])]);
  }
  const table = tableText([
    [by, ...names.map((name) => name.replaceAll("_", " "))],
    ...lines.map(({ keys, figures }) => [printedKeys(keys), ...figures]),
    ["all", ...total],
  ]);
  return `Totals from ${from} to ${to}, by ${by}.\n\n${table}`;
}

function figuresOf(amounts: readonly bigint[]): readonly string[] {
  return FIGURES.map(([column, , decimals]) => decimalText(amounts[SUMMED_COLUMNS.indexOf(column)]!, decimals));
}

function heaviestFirst(left: SummedTotals, right: SummedTotals): number {
  const bytes = ({ amounts }: SummedTotals): bigint =>
    amounts[SUMMED_COLUMNS.indexOf("bytes_in")]! + amounts[SUMMED_COLUMNS.indexOf("bytes_out")]!;
  const difference = bytes(right) - bytes(left);
  if (difference !== 0n) return difference > 0n ? 1 : -1;
  return left.keys.join("\0") < right.keys.join("\0") ? -1 : 1;
}

/** A day (its first hour) or an hour of UTC, epoch seconds. */
function hourOf(option: string, text: string | undefined): number {
  const wanted = "a day such as 2026-11-01, or a whole hour such as 2026-11-01T08:00Z (UTC)";
  if (text === undefined) throw new UsageError(`totals: ${option} is needed, ${wanted}`);
  const [, day, hour = "00"] = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}):00(?::00)?Z)?$/.exec(text) ?? [];
  const millis = day === undefined ? Number.NaN : Date.parse(`${day}T${hour}:00:00Z`);
  if (Number.isNaN(millis) || !timeText(millis / 1000).startsWith(day!)) {
    throw new UsageError(`${option}: expected ${wanted} (got ${text})`);
  }
  return millis / 1000;
}

function oneOf<T extends string>(option: string, given: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === given);
  if (found === undefined) throw new UsageError(`${option}: expected ${allowed.join(", ")} (got ${given})`);
  return found;
}

function complain(reason: string, code: number): number {
  process.stderr.write(`otel-bandwidth: totals: ${reason}\n`);
  return code;
}
