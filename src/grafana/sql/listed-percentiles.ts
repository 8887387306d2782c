/** Lists with a percentile of each entry: endpoints, meetings, participants. */
import { type Scope, scopeConditions } from "./filters.ts";
import { HISTOGRAM_BUCKETS, quantile, ranking } from "./percentiles.ts";

/** What is listed. */
export interface ListedPercentile {
  readonly scope: Scope;
  /** Selects the entries: `names`, `listed_id` (the smallest series id of each) and `figures`. */
  readonly listed: string;
  /** The columns of `series` that name an entry. */
  readonly names: readonly string[];
  /** The numbers of an entry. */
  readonly figures: readonly string[];
}

/**
 * A WITH clause whose last part, `figures`, has a row an entry: `listed_id`, its figures and `p95`, milliseconds, NULL without an
 * observation. The histograms are of `$span`: all buckets of it that the time range touches. The entries are selected in one place:
 * MariaDB evaluates a part of WITH once for each reference.
 */
export function withPercentile({ scope, listed, names, figures }: ListedPercentile): string {
  const same = names.map((name) => `s.${name} = listed.${name}`).join(" AND ");
  const carriedFrom = (table: string): string =>
    figures.map((figure) => `MAX(${table}.${figure}) AS ${figure}`).join(", ");
  return `WITH listed AS (
  ${listed}
), merged AS (
  SELECT listed_id, ${carriedFrom("listed")}, bucket, SUM(observations) AS observations
  FROM listed
  JOIN (SELECT series_id AS id, ${names.join(", ")} FROM series WHERE ${scopeConditions(scope)}) AS s ON ${same}
  LEFT JOIN metrics_$span AS m
    ON m.series_id = s.id AND m.bucket_start BETWEEN ${spanStart()} AND $__unixEpochTo()
  LEFT JOIN ${HISTOGRAM_BUCKETS} ON TRUE
  GROUP BY listed_id, bucket
), ranked AS (
  SELECT listed_id, ${figures.join(", ")}, ${ranking("listed_id")}
  FROM merged
), figures AS (
  SELECT listed_id, ${carriedFrom("ranked")}, ${quantile(0.95)} AS p95 FROM ranked GROUP BY listed_id
)`;
}

/** The start of the first bucket of `$span` that the time range touches. */
function spanStart(): string {
  const bucket = "CASE '$span' WHEN 'minute' THEN 60 WHEN 'hourly' THEN 3600 ELSE 86400 END";
  return `$__unixEpochFrom() DIV ${bucket} * ${bucket}`;
}
