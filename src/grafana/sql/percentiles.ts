/**
 * Percentiles out of the stored histograms: buckets are added up first, then ranked, then read at their geometric midpoint, as
 * `percentile` in `model/latency-histogram.ts` does. Stored histograms are merged, percentiles never averaged.
 */
import { LATENCY_SCALE, MIN_LATENCY_INDEX } from "../../model/latency-histogram.ts";
import type { Threshold } from "../threshold.ts";
import { inSteps, type Scope, scopeConditions, stepStart } from "./filters.ts";
import { chartColumns } from "./steps.ts";

/** Opens a row's `latency_histogram` to rows of `bucket` and `observations`. */
export const HISTOGRAM_BUCKETS: string = `JSON_TABLE(latency_histogram, '$[*]'
  COLUMNS (bucket INT PATH '$[0]', observations BIGINT PATH '$[1]')) AS buckets`;

/** The value of a bucket, milliseconds. */
const BUCKET_MILLIS: string = `CASE WHEN bucket = ${MIN_LATENCY_INDEX} THEN 0e0
    ELSE 1000 * POWER(2e0, (bucket + 0.5e0) / ${2 ** LATENCY_SCALE}) END`;

/** A quantile of rows that have `millis`, `seen` (observations up to and with theirs) and `total`. */
export function quantile(share: number): string {
  return `MIN(CASE WHEN seen * 100 >= total * ${Math.round(share * 100)} THEN millis END)`;
}

/** The columns `millis`, `seen` and `total` of merged buckets, in groups; without one, of all of them. */
export function ranking(group?: string): string {
  const within = group === undefined ? "" : `PARTITION BY ${group} `;
  return `${BUCKET_MILLIS} AS millis,
    SUM(observations) OVER (${within}ORDER BY bucket ROWS UNBOUNDED PRECEDING) AS seen,
    SUM(observations) OVER (${within.trim()}) AS total`;
}

/** The query of a chart of percentiles, milliseconds: a row a step, and a column a quantile (0 to 1). */
export function percentileSteps(scope: Scope, quantiles: readonly number[], threshold?: Threshold): string {
  const lines = quantiles.map((share) => ({ name: `p${Math.round(share * 100)}`, value: quantile(share) }));
  return `SELECT step_start AS "time",
${chartColumns(lines, threshold)}
FROM (
  SELECT step_start, ${ranking("step_start")}
  FROM (
    SELECT ${stepStart("latency_step")}, bucket, SUM(observations) AS observations
    FROM $latency_source, ${HISTOGRAM_BUCKETS}
    WHERE ${inSteps("latency_step")}
      AND ${scopeConditions(scope)}
    GROUP BY step_start, bucket
  ) AS merged
) AS ranked
GROUP BY step_start
ORDER BY step_start`;
}

/** One row with one quantile (0 to 1) of the steps of the time range, milliseconds. */
export function percentileOfRange(scope: Scope, share: number): string {
  return `SELECT ${quantile(share)} AS "p${Math.round(share * 100)}"
FROM (
  SELECT ${ranking()}
  FROM (
    SELECT bucket, SUM(observations) AS observations
    FROM $latency_source, ${HISTOGRAM_BUCKETS}
    WHERE ${inSteps("latency_step")}
      AND ${scopeConditions(scope)}
    GROUP BY bucket
  ) AS merged
) AS ranked`;
}
