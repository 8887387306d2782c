/**
 * `otel-bandwidth bill`: what the participants of a month used and what its TURN relay cost. Changes nothing, and may run
 * beside receivers at any time.
 */
import { parseArgs } from "node:util";
import { systemClock, type Clock } from "../model/clock.ts";
import { success, type Result } from "../model/result.ts";
import { addUse, billedUse, GROUPING_COLUMNS, type BillGrouping } from "../rollup/billed-use.ts";
import { storedOffsets } from "../rollup/totals-facts.ts";
import { makeBill, type Bill } from "./bill/bill.ts";
import { BILL_FORMATS, billText, type BillFormat } from "./bill/bill-formats.ts";
import { billingMonth, type BillingMonth } from "./bill/billing-month.ts";
import { commandSettings } from "./command-settings.ts";
import type { ReceiverSettings } from "./settings.ts";
import { UsageError } from "./usage-error.ts";
import { OUT_OF_REACH, withTotals } from "./with-totals.ts";

/** Lines of a bill: a bill with more can be had by meeting or service. */
const MAX_BILL_LINES = 500_000;

/** What a bill is asked for with. */
export interface BillRequest {
  readonly month: BillingMonth;
  readonly by: BillGrouping;
  /** Of this namespace alone; absent: of all. */
  readonly namespace: string | undefined;
  readonly format: BillFormat;
}

/** Runs the command. Exits with 0 when the bill was printed, 1 when it has too many lines, 2 for wrong arguments, 3 when the totals are out of reach. */
export async function bill(args: readonly string[]): Promise<number> {
  const request = billRequest(args, systemClock.nowMillis());
  const made = await billOf(commandSettings(), systemClock, request);
  if (made.kind !== "success") return complain(made.reason, OUT_OF_REACH);
  if (made.value === undefined) {
    return complain(`by ${request.by} it has more than ${MAX_BILL_LINES} lines: take a coarser --by`, 1);
  }
  process.stdout.write(billText(made.value, request.format));
  return 0;
}

/** Reads the arguments. Throws {@link UsageError}, or what `parseArgs` throws. */
export function billRequest(args: readonly string[], nowMillis: number): BillRequest {
  const { values } = parseArgs({
    args: [...args],
    options: {
      month: { type: "string" },
      by: { type: "string", default: "meeting" },
      namespace: { type: "string" },
      format: { type: "string", default: "table" },
    },
  });
  if (values.month === undefined) throw new UsageError("bill: --month is needed, such as --month 2026-11");
  const month = billingMonth(values.month);
  if (month === undefined)
    throw new UsageError(`--month: expected a year and month such as 2026-11 (got ${values.month})`);
  if (month.fromSeconds * 1000 > nowMillis) throw new UsageError(`--month: ${values.month} has not begun (UTC)`);
  const by = oneOf("--by", values.by, Object.keys(GROUPING_COLUMNS) as BillGrouping[]);
  const { namespace } = values;
  return { month, by, namespace, format: oneOf("--format", values.format, BILL_FORMATS) };
}

/** Makes the bill; undefined when it has too many lines. Retryable `unavailable` when the totals are out of reach. */
async function billOf(
  settings: ReceiverSettings,
  clock: Clock,
  { month, by, namespace, format }: BillRequest,
): Promise<Result<Bill | undefined>> {
  const { fromSeconds, toSeconds } = month;
  const read = await withTotals(settings, clock, async (snapshot) => ({
    used: await billedUse(snapshot, by, { fromSeconds, toSeconds, namespace, limit: MAX_BILL_LINES + 1 }),
    offsets: await storedOffsets(snapshot),
  }));
  if (read.kind !== "success") return read;
  const used = addUse(read.value.map((one) => one.used));
  if (used.length > MAX_BILL_LINES) return success(undefined);
  const times = read.value.flatMap((one) => [...one.offsets.values()].map(({ persistedAt }) => persistedAt));
  const counted = times.filter((time) => time > 0);
  const countedThrough = counted.length === 0 ? undefined : Math.min(...counted);
  return success({ ...makeBill(month, by, countedThrough, used, format === "table"), namespace });
}

function oneOf<T extends string>(option: string, given: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === given);
  if (found === undefined) throw new UsageError(`${option}: expected ${allowed.join(", ")} (got ${given})`);
  return found;
}

function complain(reason: string, code: number): number {
  process.stderr.write(`otel-bandwidth: bill: ${reason}\n`);
  return code;
}
