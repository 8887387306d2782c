/**
 * Checks the totals against themselves: what should add up does, what is named is there.
 */
import { compareServiceLatencies } from "../../rollup/service-latency-differences.ts";
import { findSeriesFaults } from "../../rollup/series-faults.ts";
import {
  compareSums,
  firstWholeBucket,
  ROLLUP_PAIRS,
  SERVICE_LATENCY_PAIR,
  type SumDifference,
  type TablePair,
} from "../../rollup/sum-differences.ts";
import {
  describeId,
  negativeAmounts,
  quarantineSummary,
  unfoundedRelayCosts,
  type ImpossibleAmounts,
} from "../../rollup/totals-facts.ts";
import type { TotalsSnapshot } from "../../rollup/totals-snapshot.ts";
import { counted, found, MAX_EXAMPLES, timeText, type Finding } from "./finding.ts";

/** Columns named of a row that differs in many. */
const MAX_COLUMNS_SHOWN = 3;

const SUBJECTS: Readonly<Record<string, string>> = {
  metrics_hourly: "minutes and hours",
  metrics_daily: "hours and days",
  service_latency_hourly: "latency minutes and hours",
};

/** Every check of the totals, in the order it is printed. Rejects with what the database reports. */
export async function totalsFindings(snapshot: TotalsSnapshot, nowSeconds: number): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const pair of [...ROLLUP_PAIRS, SERVICE_LATENCY_PAIR])
    findings.push(await sumFinding(snapshot, pair, nowSeconds));
  findings.push(await serviceLatencyFinding(snapshot, nowSeconds));
  findings.push(await seriesFinding(snapshot));
  findings.push(
    await impossibleFinding(snapshot, "relay cost", await unfoundedRelayCosts(snapshot, MAX_EXAMPLES), {
      fine: "no day costs anything without relayed time or bytes",
      faulty: "cost something without relayed time or bytes",
    }),
  );
  findings.push(
    await impossibleFinding(snapshot, "amounts", await negativeAmounts(snapshot, MAX_EXAMPLES), {
      fine: "none is below zero",
      faulty: "have an amount below zero",
    }),
  );
  findings.push(await quarantineFinding(snapshot));
  return findings;
}

async function sumFinding(snapshot: TotalsSnapshot, pair: TablePair, nowSeconds: number): Promise<Finding> {
  const { finer, coarser } = pair;
  const from = firstWholeBucket(pair, nowSeconds);
  const { compared, differing, first } = await compareSums(snapshot, pair, from, MAX_EXAMPLES);
  const rows = `${counted(compared, "row")} of ${coarser.name} since ${timeText(from)}`;
  const examples: string[] = [];
  for (const difference of first) examples.push(await sumExample(snapshot, pair, difference));
  return found(SUBJECTS[coarser.name] ?? coarser.name, {
    count: differing,
    fine: `${finer.name} adds up to ${rows}`,
    faulty: `${finer.name} does not add up to ${differing} of ${rows}`,
    examples,
  });
}

async function sumExample(
  snapshot: TotalsSnapshot,
  { finer, coarser }: TablePair,
  { id, bucketStart, columns }: SumDifference,
): Promise<string> {
  const name = coarser.idColumn === "series_id" ? await describeId(snapshot, id) : `service ${id}`;
  const shown = columns
    .slice(0, MAX_COLUMNS_SHOWN)
    .map((column) => `${column.name} ${column.finer} in ${finer.name}, ${column.coarser} in ${coarser.name}`);
  const more = columns.length > MAX_COLUMNS_SHOWN ? `; ${columns.length - MAX_COLUMNS_SHOWN} more columns` : "";
  return `${name} at ${timeText(bucketStart)}: ${shown.join("; ")}${more}`;
}

async function serviceLatencyFinding(snapshot: TotalsSnapshot, nowSeconds: number): Promise<Finding> {
  const { differing, first } = await compareServiceLatencies(snapshot, nowSeconds, MAX_EXAMPLES);
  return found("latencies of services", {
    count: differing,
    fine: "service_latency_hourly counts what metrics_hourly counts",
    faulty: `service_latency_hourly and metrics_hourly differ in ${counted(differing, "hour")} of services`,
    examples: first.map(
      ({ service, bucketStart, rollups, latencies }) =>
        `${service} at ${timeText(bucketStart)}: ${rollups} observations in metrics_hourly, ` +
        `${latencies} in service_latency_hourly`,
    ),
  });
}

async function seriesFinding(snapshot: TotalsSnapshot): Promise<Finding> {
  const faults = await findSeriesFaults(snapshot, MAX_EXAMPLES);
  const { series, missing, changed } = faults;
  return found("series", {
    count: missing + changed,
    fine: `${counted(series, "series", "series")}, and every id in the totals is one of them`,
    faulty: `${missing} ids in the totals have no row in series; ${changed} rows of series were changed`,
    examples: [
      ...faults.firstMissing.map((id) => `series_id ${id} has no row in series`),
      ...faults.firstChanged.map((id) => `the dimensions of series_id ${id} are not those it was made of`),
    ],
  });
}

async function impossibleFinding(
  snapshot: TotalsSnapshot,
  subject: string,
  { days, first }: ImpossibleAmounts,
  { fine, faulty }: { readonly fine: string; readonly faulty: string },
): Promise<Finding> {
  const examples: string[] = [];
  for (const { id, bucketStart } of first) {
    examples.push(`${await describeId(snapshot, id)} at ${timeText(bucketStart)}`);
  }
  return found(subject, { count: days, fine, faulty: `${counted(days, "row")} of metrics_daily ${faulty}`, examples });
}

async function quarantineFinding(snapshot: TotalsSnapshot): Promise<Finding> {
  const { metrics, oldest, newest, reasons } = await quarantineSummary(snapshot, MAX_EXAMPLES);
  return found("quarantine", {
    count: metrics,
    fine: "empty",
    faulty:
      `${counted(metrics, "metric")} could not be folded and ${metrics === 1 ? "is" : "are"} not in the totals, ` +
      `received from ${timeText(oldest)} to ${timeText(newest)}: look at the reasons, and delete the rows of ` +
      "ingest_quarantine that were dealt with",
    examples: reasons.map((row) => `${counted(row.metrics, "metric")}: ${row.reason}`),
  });
}
