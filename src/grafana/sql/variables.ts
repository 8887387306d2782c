/**
 * The variables of the dashboards. People choose services, environments, routes and meetings. Hidden ones follow the time range:
 * which table is read and how long a step of a chart is. Hidden ones stay out of addresses, so that a link that is opened weeks
 * later reads a table that still has its time.
 */
import { GRANULARITIES, type Granularity } from "../../model/rollup-store.ts";

/** A variable of a dashboard. */
export interface Variable {
  readonly name: string;
  readonly label: string;
  readonly description: string;
  /** A query whose rows are the values; columns `__text` and `__value` where they differ. */
  readonly sql: string;
  /** What "All" stands for in `IN ($name)`: the column itself, which lets every row through. None: one value, hidden. */
  readonly allValue?: string;
  /** What a hidden one holds until its query has answered. */
  readonly initial?: string;
}

const HOUR = 3600;
const DAY = 86_400;

/** Buckets that begin this much before they are dropped are not counted on any more. */
const RETENTION_SLACK_SECONDS = HOUR;

const FROM = "$__unixEpochFrom()";
const TO = "$__unixEpochTo()";
const RANGE = `(${TO} - ${FROM})`;

/** The longest range that is read from a table, seconds: beyond it the next coarser one is. */
const LONGEST_RANGE: Readonly<Record<Granularity, number>> = {
  minute: DAY,
  hourly: 35 * DAY,
  daily: Number.POSITIVE_INFINITY,
};

/** The longest range of which whole-range percentiles by endpoint or meeting are read from a table, seconds. */
const LONGEST_SPAN: Readonly<Record<Granularity, number>> = {
  minute: 3 * HOUR,
  hourly: 3 * DAY,
  daily: Number.POSITIVE_INFINITY,
};

/** JSON of histograms, characters, that is merged in less than half a second; with more, rows of an hour are read. */
const MERGED_CHARACTERS = 3_000_000;

/** Picks the finest table that reaches back to the start of the range and is meant for one so long. */
function finest(longest: Readonly<Record<Granularity, number>>): string {
  const cases = GRANULARITIES.filter(({ name }) => Number.isFinite(longest[name])).map(
    ({ name, keptSeconds }) =>
      `WHEN ${RANGE} <= ${longest[name]} AND ${FROM} >= UNIX_TIMESTAMP() - ${keptSeconds - RETENTION_SLACK_SECONDS} THEN '${name}'`,
  );
  return `SELECT CASE\n  ${cases.join("\n  ")}\n  ELSE 'daily' END AS granularity`;
}

/** The table that totals and charts read: `FROM metrics_$granularity`. */
export const GRANULARITY: Variable = {
  name: "granularity",
  label: "Table",
  description: "minute, hourly or daily: the finest table that has the whole time range.",
  sql: finest(LONGEST_RANGE),
  initial: "minute",
};

/** The table that percentiles of many series over the whole range read. */
export const SPAN: Variable = {
  name: "span",
  label: "Table of percentiles over the whole range",
  description: "As the table, but coarser: merging histograms costs more than adding numbers.",
  sql: finest(LONGEST_SPAN),
  initial: "minute",
};

/** How long a step of a chart is, seconds: a multiple of the table's bucket, for 400 steps at most in a table that is dropped. */
export const STEP: Variable = {
  name: "step",
  label: "Step",
  description: "Seconds of a chart's step.",
  sql: `SELECT CASE
  WHEN '$granularity' = 'minute' AND ${RANGE} <= ${6 * HOUR} THEN 60
  WHEN '$granularity' = 'minute' THEN 300
  WHEN '$granularity' = 'hourly' AND ${RANGE} <= ${14 * DAY} THEN ${HOUR}
  WHEN '$granularity' = 'hourly' THEN ${3 * HOUR}
  ELSE ${DAY} END AS step`,
  initial: "60",
};

/** The longest range whose minutes are found by their index, seconds. */
const INDEXED_RANGE = 6 * HOUR;

/**
 * How a SELECT from the table begins: few minutes are found by their index, which the server, left alone, does not take once `series`
 * is joined. Of a long range, or of another table, it is better left to choose (`ALL` says nothing).
 */
export const READ_ORDER: Variable = {
  name: "read_order",
  label: "Read order",
  description: "STRAIGHT_JOIN where the minutes of the time range are found by their index.",
  sql: `SELECT CASE WHEN '$granularity' = 'minute' AND ${RANGE} <= ${INDEXED_RANGE} THEN 'STRAIGHT_JOIN' ELSE 'ALL' END AS read_order`,
  initial: "ALL",
};

/** How a dashboard that has a variable more narrows its percentiles. */
export interface LatencyScope {
  readonly protocol: "http" | "webrtc";
  /** The variable that only single series know: `route`, or `meeting_id` by `$meeting`. */
  readonly narrow?: { readonly column: string; readonly variable: string };
}

/** A row a service, by granularity; those who narrow by another column find one that lets every row through. */
function serviceSource(granularity: "minute" | "hourly", narrowed: string | undefined): string {
  const table = `service_latency_${granularity}`;
  if (narrowed === undefined) return table;
  return `${table} CROSS JOIN (SELECT 1 AS ${narrowed}) AS every`;
}

/** A row a series, by granularity. */
function seriesSource(granularity: Granularity): string {
  return `metrics_${granularity} JOIN series USING (series_id, protocol)`;
}

/**
 * Where charts of percentiles read their histograms: rows of a service where that is enough, rows of single series where a route
 * or meeting was chosen; minutes as long as they are merged in time, else hours. Its values hold no quotes: Grafana doubles them.
 */
export function latencySource({ protocol, narrow }: LatencyScope): Variable {
  const column = narrow?.column;
  const services = {
    minute: serviceSource("minute", column),
    hourly: serviceSource("hourly", column),
    daily: seriesSource("daily"),
  };
  let sql = `SELECT ${sourceCases(services, heavy("service_latency_minute", protocol, ""))} AS source`;
  if (narrow !== undefined) {
    const narrowed = `${narrow.column} IN ($${narrow.variable})`;
    // "All" is the column itself: then the row of any value passes.
    const all = `(SELECT COUNT(*) FROM (SELECT 'any' AS ${narrow.column}) AS probe WHERE ${narrowed}) = 1`;
    const single = { minute: seriesSource("minute"), hourly: seriesSource("hourly"), daily: seriesSource("daily") };
    const ofSingle = sourceCases(single, heavy(single.minute, protocol, ` AND ${narrowed}`));
    const ofServices = sourceCases(services, heavy("service_latency_minute", protocol, ""));
    sql = `SELECT CASE WHEN ${all}\nTHEN ${ofServices}\nELSE ${ofSingle}\nEND AS source`;
  }
  return {
    name: "latency_source",
    label: "Histograms",
    description: "What percentiles are merged from.",
    sql,
    initial: services.minute,
  };
}

function sourceCases(sources: Readonly<Record<Granularity, string>>, tooHeavy: string): string {
  return `CASE
  WHEN '$granularity' = 'daily' THEN '${sources.daily}'
  WHEN '$granularity' = 'hourly' OR ${tooHeavy} THEN '${sources.hourly}'
  ELSE '${sources.minute}' END`;
}

function heavy(source: string, protocol: string, narrowed: string): string {
  return `(SELECT COALESCE(SUM(LENGTH(latency_histogram)), 0) FROM ${source}
    WHERE bucket_start BETWEEN ${FROM} AND ${TO} AND protocol = '${protocol}'
      AND service IN ($service) AND environment IN ($environment)${narrowed}) > ${MERGED_CHARACTERS}`;
}

/** How long a step of a chart of percentiles is, seconds: never shorter than the rows it is merged from. */
export const LATENCY_STEP: Variable = {
  name: "latency_step",
  label: "Step of percentiles",
  description: "Seconds of a step in charts of percentiles.",
  sql: `SELECT CASE WHEN '$latency_source' LIKE '%hourly%' THEN GREATEST($step, ${HOUR}) ELSE $step END AS step`,
  initial: "60",
};

/**
 * The choices of a variable: always a row, because Grafana before 10 fails on a variable whose query has none.
 * @param found selects `choice`, and `position` to sort by
 */
function choices(found: string): string {
  return `SELECT CASE WHEN choice IS NULL THEN '(nothing yet)' WHEN choice = '' THEN '(none)' ELSE choice END AS __text,
  COALESCE(choice, '') AS __value
FROM (SELECT 1 AS one) AS always LEFT JOIN (
${found}
) AS found ON TRUE
ORDER BY position LIMIT 1000`;
}

/** The services that sent something. */
export const SERVICE: Variable = {
  name: "service",
  label: "Service",
  description: "`service.name` of what is counted.",
  sql: choices("SELECT DISTINCT service AS choice, service AS position FROM series"),
  allValue: "service",
};

/** Their environments. */
export const ENVIRONMENT: Variable = {
  name: "environment",
  label: "Environment",
  description: "`deployment.environment.name` of what is counted.",
  sql: choices(
    "SELECT DISTINCT environment AS choice, environment AS position FROM series WHERE service IN ($service)",
  ),
  allValue: "environment",
};

/** The HTTP routes of the chosen services. */
export const ROUTE: Variable = {
  name: "route",
  label: "Route",
  description: "`http.route` of requests.",
  sql: choices(`SELECT DISTINCT route AS choice, route AS position
FROM series
WHERE protocol = 'http' AND side = 'server' AND service IN ($service) AND environment IN ($environment)`),
  allValue: "route",
};

/** The meetings of the time range, the newest first. */
export const MEETING: Variable = {
  name: "meeting",
  label: "Meeting",
  description: "`webrtc.meeting.id`: meetings of the time range.",
  sql: choices(`SELECT $read_order meeting_id AS choice, -MAX(bucket_start) AS position
FROM metrics_$granularity JOIN series USING (series_id, protocol)
WHERE protocol = 'webrtc' AND $__unixEpochFilter(bucket_start) AND service IN ($service) AND environment IN ($environment)
GROUP BY meeting_id`),
  allValue: "meeting_id",
};
