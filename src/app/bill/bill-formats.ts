/**
 * A bill as text: a table for a person, CSV for a spreadsheet, JSON for a program.
 */
import { GROUPING_COLUMNS } from "../../rollup/billed-use.ts";
import { timeText } from "../verify/finding.ts";
import { csvText, printedKeys, tableText } from "../printed-rows.ts";
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

function billJson({ month, by, namespace, countedThroughSeconds, isFinal, lines, total }: Bill): object {
  return {
    month: month.name,
    from: timeText(month.fromSeconds),
    to: timeText(month.toSeconds),
    by,
    ...(namespace === undefined ? {} : { namespace }),
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
  return csvText(rows);
}

function billTable(bill: Bill): string {
  const { month, by, namespace, lines, total } = bill;
  const rows = [
    [by, ...FIGURES.map(([, , heading]) => heading)],
    ...lines.map(({ keys, figures }) => [printedKeys(keys), ...FIGURES.map(([figure]) => figures[figure])]),
    ["total", ...FIGURES.map(([figure]) => total[figure])],
  ];
  const whose = namespace === undefined ? "" : ` of namespace ${JSON.stringify(namespace)}`;
  return `Use of ${month.name} (UTC)${whose}, by ${by}. ${standing(bill)}\n\n${tableText(rows)}`;
}

function standing({ countedThroughSeconds, isFinal }: Bill): string {
  if (countedThroughSeconds === undefined) return "Nothing was counted yet.";
  const through = `It counts what was received until ${timeText(countedThroughSeconds)}`;
  return isFinal ? `${through}: it is final.` : `${through}, and may still grow.`;
}
