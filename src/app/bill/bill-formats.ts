/**
 * A bill as text: a table for a person, CSV for a spreadsheet, JSON for a program.
 */
import { ERASED_PARTICIPANT } from "../../model/erased-participant.ts";
import { GROUPING_COLUMNS } from "../../rollup/billed-use.ts";
import { timeText } from "../verify/finding.ts";
import type { Bill, BillFigures } from "./bill.ts";

/** The formats of a bill. */
export const BILL_FORMATS = ["table", "csv", "json"] as const;

/** One of {@link BILL_FORMATS}. */
export type BillFormat = (typeof BILL_FORMATS)[number];

/** The text of a bill, with a line end at its end. */
export function billText(bill: Bill, format: BillFormat): string {
  if (format === "json") return `${JSON.stringify(billJson(bill), undefined, 2)}\n`;
  return format === "csv" ? billCsv(bill) : billTable(bill);
}

const FIGURES: readonly (readonly [figure: keyof BillFigures, column: string, heading: string])[] = [
  ["connectedMinutes", "connected_minutes", "connected minutes"],
  ["relayedMinutes", "relayed_minutes", "relayed minutes"],
  ["gigabytes", "gigabytes", "GB"],
  ["relayedGigabytes", "relayed_gigabytes", "relayed GB"],
  ["relayCost", "relay_cost", "relay cost"],
];

function billJson({ month, by, countedThroughSeconds, isFinal, lines, total }: Bill): object {
  return {
    month: month.name,
    from: timeText(month.fromSeconds),
    to: timeText(month.toSeconds),
    by,
    countedThrough: countedThroughSeconds === undefined ? null : timeText(countedThroughSeconds),
    isFinal,
    lines: lines.map(({ keys, figures }) => ({ ...named(by, keys), ...figures })),
    total,
  };
}

function named(by: Bill["by"], keys: readonly string[]): Readonly<Record<string, string>> {
  const names = GROUPING_COLUMNS[by].map((column) => column.replace(/_id$/, ""));
  return Object.fromEntries(names.map((name, at) => [name, keys[at] ?? ""]));
}

function billCsv({ month, by, lines, total }: Bill): string {
  const columns = GROUPING_COLUMNS[by];
  const figures = (of: BillFigures): string[] => FIGURES.map(([figure]) => of[figure]);
  const rows = [
    ["kind", "month", ...columns, ...FIGURES.map(([, column]) => column)],
    ...lines.map((line) => ["line", month.name, ...line.keys, ...figures(line.figures)]),
    ["total", month.name, ...columns.map(() => ""), ...figures(total)],
  ];
  // RFC 4180.
  return rows.map((row) => `${row.map(csvField).join(",")}\r\n`).join("");
}

/** What spreadsheets take for the beginning of a formula, also in full-width forms and behind white space. */
const FORMULA = /^[\s\p{Cc}]*[=+\-@＝＋－＠]|^[\t\r\n]/u;

function csvField(text: string): string {
  // An id is foreign text: with an apostrophe before it, it stays text.
  const harmless = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n']/.test(harmless) || harmless !== harmless.trim() ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

function billTable(bill: Bill): string {
  const { month, by, lines, total } = bill;
  const rows = [
    [by, ...FIGURES.map(([, , heading]) => heading)],
    ...lines.map(({ keys, figures }) => [label(keys), ...FIGURES.map(([figure]) => figures[figure])]),
    ["total", ...FIGURES.map(([figure]) => total[figure])],
  ];
  const widths = rows[0]!.map((_, at) => rows.reduce((width, row) => Math.max(width, row[at]!.length), 0));
  const texts = rows.map((row) =>
    row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join("  "),
  );
  const rule = widths.map((width) => "-".repeat(width)).join("  ");
  const [heading, ...rest] = texts;
  const body = [heading!, rule, ...rest.slice(0, -1), rule, rest.at(-1)!];
  return `Use of ${month.name} (UTC), by ${by}. ${standing(bill)}\n\n${body.join("\n")}\n`;
}

function standing({ countedThroughSeconds, isFinal }: Bill): string {
  if (countedThroughSeconds === undefined) return "Nothing was counted yet.";
  const through = `It counts what was received until ${timeText(countedThroughSeconds)}`;
  return isFinal ? `${through}: it is final.` : `${through}, and may still grow.`;
}

function label(keys: readonly string[]): string {
  const text = keys.filter((key) => key !== "").join(" / ");
  if (text === ERASED_PARTICIPANT) return "(erased persons)";
  // A terminal must not be told what to do by an id.
  return text === "" ? "(none)" : text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "?");
}
