/**
 * The bill of a month: lines and a total that is their sum as printed, all exact decimals.
 */
import type { BilledUse, BillGrouping } from "../../rollup/billed-use.ts";
import { apportioned, decimalText, neededDecimals, shortDecimalText } from "./decimal-text.ts";
import { isComplete, type BillingMonth } from "./billing-month.ts";

/** What is printed of a line or of the total: decimal numbers. */
export interface BillFigures {
  readonly connectedMinutes: string;
  readonly relayedMinutes: string;
  /** 10^9 bytes, both directions. */
  readonly gigabytes: string;
  readonly relayedGigabytes: string;
  /** In the currency of the price settings, as it was priced when it was counted. */
  readonly relayCost: string;
}

/** One line. */
export interface BillLine {
  /** Who it is about, as stored; by position of `GROUPING_COLUMNS`. */
  readonly keys: readonly string[];
  readonly figures: BillFigures;
}

/** A bill. */
export interface Bill {
  readonly month: BillingMonth;
  readonly by: BillGrouping;
  /** The only namespace whose use it is; absent: all are in it. */
  readonly namespace?: string | undefined;
  /** Everything received by then is in it, epoch seconds; absent when nothing was ever counted. */
  readonly countedThroughSeconds: number | undefined;
  /** Whether nothing can come any more. */
  readonly isFinal: boolean;
  /** Dearest first. */
  readonly lines: readonly BillLine[];
  readonly total: BillFigures;
}

/** Minutes are printed in thousandths: of 60 ms each. */
const MILLIS_PER_UNIT = 60n;
const MINUTE_DECIMALS = 3;
/** Bytes of a gigabyte and billionths of the currency unit: exact. */
const BILLIONTHS = 9;

/** Makes a bill of what was used. `short`: with no more decimals than it takes to be exact; else always nine. */
export function makeBill(
  month: BillingMonth,
  by: BillGrouping,
  countedThroughSeconds: number | undefined,
  used: readonly BilledUse[],
  short: boolean,
): Bill {
  const sorted = [...used].sort(dearestFirst);
  const [connected, relayed] = [sorted.map((one) => one.connectedMillis), sorted.map((one) => one.relayedMillis)].map(
    (amounts) => columnOf(apportioned(amounts, MILLIS_PER_UNIT), MINUTE_DECIMALS, MINUTE_DECIMALS),
  ) as [Column, Column];
  const gigabytes = exactColumn(
    sorted.map((one) => one.bytes),
    short ? 3 : BILLIONTHS,
  );
  const relayedGigabytes = exactColumn(
    sorted.map((one) => one.relayBytes),
    short ? 3 : BILLIONTHS,
  );
  const cost = exactColumn(
    sorted.map((one) => one.costNanos),
    short ? 2 : BILLIONTHS,
  );
  const columns = { connected, relayed, gigabytes, relayedGigabytes, cost };
  return {
    month,
    by,
    countedThroughSeconds,
    isFinal: countedThroughSeconds !== undefined && isComplete(month, countedThroughSeconds),
    lines: sorted.map(({ keys }, at) => ({ keys, figures: figuresOf(columns, (column) => column.lines[at]!) })),
    total: figuresOf(columns, (column) => column.total),
  };
}

interface Column {
  readonly lines: readonly string[];
  readonly total: string;
}

type Columns = Readonly<Record<"connected" | "relayed" | "gigabytes" | "relayedGigabytes" | "cost", Column>>;

function figuresOf(columns: Columns, of: (column: Column) => string): BillFigures {
  return {
    connectedMinutes: of(columns.connected),
    relayedMinutes: of(columns.relayed),
    gigabytes: of(columns.gigabytes),
    relayedGigabytes: of(columns.relayedGigabytes),
    relayCost: of(columns.cost),
  };
}

function exactColumn(amounts: readonly bigint[], least: number): Column {
  const shown = neededDecimals(amounts, BILLIONTHS, least);
  return columnOf({ parts: amounts, total: amounts.reduce((sum, amount) => sum + amount, 0n) }, BILLIONTHS, shown);
}

function columnOf(
  { parts, total }: { readonly parts: readonly bigint[]; readonly total: bigint },
  decimals: number,
  shown: number,
): Column {
  const text = (units: bigint): string =>
    shown === decimals ? decimalText(units, decimals) : shortDecimalText(units, decimals, shown);
  return { lines: parts.map(text), total: text(total) };
}

function dearestFirst(left: BilledUse, right: BilledUse): number {
  return (
    compare(right.costNanos, left.costNanos) ||
    compare(right.relayedMillis, left.relayedMillis) ||
    compare(right.connectedMillis, left.connectedMillis) ||
    compare(left.keys.join("\0"), right.keys.join("\0"))
  );
}

function compare<T extends bigint | string>(left: T, right: T): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
