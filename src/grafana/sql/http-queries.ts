/** Queries of HTTP panels: traffic, requests, failures and the endpoints behind them. */
import { sumOf } from "../names.ts";
import type { Threshold } from "../threshold.ts";
import { COVERED_SECONDS, IN_RANGE, ROLLUP_ROWS, type Scope, scopeConditions } from "./filters.ts";
import { withPercentile } from "./listed-percentiles.ts";
import { type Line, stepQuery } from "./steps.ts";

/** The endpoints that a table lists. */
const LISTED_ENDPOINTS = 25;

/** Bytes a second, received and sent: bodies, whole messages or sockets, by the columns' prefix. */
export function trafficSteps(scope: Scope, prefix: "" | "wire_" | "connection_" = ""): string {
  const sums = { received: sumOf(`${prefix}bytes_in`), sent: sumOf(`${prefix}bytes_out`) };
  return stepQuery({ scope, sums, lines: [rate("Received", "received"), rate("Sent", "sent")] });
}

/** A sum of the step as a rate a second. */
export function rate(name: string, sum: string): Line {
  return { name, value: `${sum} / seconds` };
}

/** The total of a column over the time range; NULL when there is no row. */
export function totalOfRange(scope: Scope, column: string): string {
  return `SELECT $read_order ${sumOf(column)} AS total
FROM ${ROLLUP_ROWS}
WHERE ${IN_RANGE} AND ${scopeConditions(scope)}`;
}

/** Requests a second, on average over what the time range has of totals. */
export function requestRateOfRange(scope: Scope): string {
  return `SELECT requests / covered_seconds AS "requests/s"
FROM (
  SELECT $read_order ${sumOf("requests")} AS requests
  FROM ${ROLLUP_ROWS}
  WHERE ${IN_RANGE} AND ${scopeConditions(scope)}
) AS counted
CROSS JOIN ${COVERED_SECONDS}`;
}

/** The share of requests that failed, over the time range. */
export function errorRatioOfRange(scope: Scope): string {
  return `SELECT $read_order 1e0 * ${sumOf("errors")} / NULLIF(${sumOf("requests")}, 0) AS "failed"
FROM ${ROLLUP_ROWS}
WHERE ${IN_RANGE} AND ${scopeConditions(scope)}`;
}

/** The status classes of a chart, and the codes of each. */
export const STATUS_CLASSES: Readonly<Record<string, string>> = {
  "2xx": "status_code BETWEEN 200 AND 299",
  "3xx": "status_code BETWEEN 300 AND 399",
  "4xx": "status_code BETWEEN 400 AND 499",
  "5xx": "status_code >= 500",
  other: "status_code < 200",
};

/** Requests a second by class of status. */
export function statusSteps(scope: Scope): string {
  const classes = Object.entries(STATUS_CLASSES);
  const sums = Object.fromEntries(
    classes.map(([name, codes]) => [`status_${name}`, `SUM(CASE WHEN ${codes} THEN requests ELSE 0 END)`]),
  );
  return stepQuery({ scope, sums, lines: classes.map(([name]) => rate(name, `status_${name}`)) });
}

/** Shares of requests that failed or were answered 4xx. */
export function errorSteps(scope: Scope, threshold: Threshold): string {
  const sums = {
    failed: sumOf("errors"),
    refused: `SUM(CASE WHEN ${STATUS_CLASSES["4xx"]} THEN requests ELSE 0 END)`,
    counted: sumOf("requests"),
  };
  const share = (name: string, part: string): Line => ({ name, value: `1e0 * ${part} / NULLIF(counted, 0)` });
  return stepQuery({ scope, sums, lines: [share("Failed", "failed"), share("4xx", "refused")], threshold });
}

/**
 * The endpoints with the most bytes of the time range: bytes, requests, p95 and failures. Their p95 is of the whole hours or days that
 * the range touches where it is longer than `$span` reads minutes of.
 */
export function topEndpoints(scope: Scope): string {
  const listed = `SELECT $read_order service, method, route, MIN(series_id) AS listed_id, ${sumOf("bytes_in")} AS received,
    ${sumOf("bytes_out")} AS sent, ${sumOf("requests")} AS requests, ${sumOf("errors")} AS errors
  FROM ${ROLLUP_ROWS}
  WHERE ${IN_RANGE} AND ${scopeConditions(scope)}
  GROUP BY service, method, route
  ORDER BY ${sumOf("bytes_in")} + ${sumOf("bytes_out")} DESC
  LIMIT ${LISTED_ENDPOINTS}`;
  const figures = ["received", "sent", "requests", "errors"];
  return `${withPercentile({ scope, listed, names: ["service", "method", "route"], figures })}
SELECT service AS "Service", method AS "Method", route AS "Route", received AS "Received", sent AS "Sent",
  requests AS "Requests", requests / covered_seconds AS "Requests/s", p95, 1e0 * errors / NULLIF(requests, 0) AS "Failed"
FROM figures JOIN series ON series_id = listed_id
CROSS JOIN ${COVERED_SECONDS}
ORDER BY received + sent DESC`;
}
