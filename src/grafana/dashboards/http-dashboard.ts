/** HTTP: what endpoints receive and send, how fast they answer, how often they fail, and which of them it is. */
import { DASHBOARDS } from "../names.ts";
import { chartPanel } from "../panels/chart-panel.ts";
import { COLORS } from "../panels/colors.ts";
import { statPanel } from "../panels/stat-panel.ts";
import { tablePanel } from "../panels/table-panel.ts";
import type { Scope } from "../sql/filters.ts";
import { errorSteps, statusSteps, topEndpoints, totalOfRange } from "../sql/http-queries.ts";
import { percentileSteps } from "../sql/percentiles.ts";
import { ENVIRONMENT, GRANULARITY, latencySource, LATENCY_STEP, ROUTE, READ_ORDER, SERVICE, SPAN, STEP } from "../sql/variables.ts";
import type { Threshold } from "../threshold.ts";
import { dashboardJson, type Row } from "./dashboard.ts";
import { failedShare, httpTraffic, requestP95, requestRate } from "./shared-figures.ts";

const HTTP: Scope = { protocol: "http", side: "server", choices: ["service", "environment", "route"] };
/** Sockets know no route. */
const SOCKETS: Scope = { protocol: "http", side: "server", choices: ["service", "environment"] };

/** The panels that the rules of HTTP belong to. */
export const HTTP_PANELS = { latency: 8, errors: 9 } as const;

/** The JSON of the HTTP dashboard; `threshold` gives the threshold of an alert rule. */
export function httpDashboard(threshold: (rule: string) => Threshold): string {
  return dashboardJson({
    name: DASHBOARDS.http,
    description: "HTTP as servers see it: bytes, requests, latency and failures, by service, environment and route.",
    variables: [
      SERVICE,
      ENVIRONMENT,
      ROUTE,
      GRANULARITY, READ_ORDER,
      STEP,
      SPAN,
      latencySource({ protocol: "http", narrow: { column: "route", variable: "route" } }),
      LATENCY_STEP,
    ],
    rows: [answers(threshold), overTime(threshold), endpoints(threshold), wire()],
  });
}

function answers(threshold: (rule: string) => Threshold): Row {
  return {
    panels: [
      statPanel({
        id: 1,
        title: "Received",
        description: "Request body bytes of the time range.",
        sql: totalOfRange(HTTP, "bytes_in"),
        unit: "decbytes",
        width: 5,
      }),
      statPanel({
        id: 2,
        title: "Sent",
        description: "Response body bytes of the time range.",
        sql: totalOfRange(HTTP, "bytes_out"),
        unit: "decbytes",
        width: 5,
      }),
      statPanel({ id: 3, title: "Requests", width: 5, ...requestRate(HTTP) }),
      statPanel({ id: 4, title: "p95", width: 5, ...requestP95(HTTP, threshold("http-latency-p95")) }),
      statPanel({ id: 5, title: "Failed", width: 4, ...failedShare(HTTP, threshold("http-error-ratio")) }),
    ],
  };
}

function overTime(threshold: (rule: string) => Threshold): Row {
  return {
    title: "Over time",
    panels: [
      chartPanel({ ...httpTraffic(HTTP), id: 6, title: "Bandwidth", width: 12, height: 9, figures: ["mean", "max", "lastNotNull"] }),
      chartPanel({
        id: 7,
        title: "Requests by status",
        description: "Requests a second by class of status. Other: no status, as when the client went away.",
        sql: statusSteps(HTTP),
        unit: "reqps",
        width: 12,
        height: 9,
        lines: {
          "2xx": { color: COLORS.success },
          "3xx": { color: COLORS.redirect },
          "4xx": { color: COLORS.clientError },
          "5xx": { color: COLORS.serverError },
          other: { color: COLORS.unknown },
        },
        stacking: "normal",
      }),
      chartPanel({
        id: HTTP_PANELS.latency,
        title: "Latency",
        description:
          "Percentiles of request durations, merged from histograms: minutes where they can be merged in time, else hours. The dashed line is the threshold of the alert rule.",
        sql: percentileSteps(HTTP, [0.5, 0.95, 0.99], threshold("http-latency-p95")),
        unit: "ms",
        width: 12,
        height: 10,
        lines: { p50: { color: COLORS.p50 }, p95: { color: COLORS.p95 }, p99: { color: COLORS.p99 } },
        figures: ["min", "max", "lastNotNull"],
        threshold: threshold("http-latency-p95"),
      }),
      chartPanel({
        id: HTTP_PANELS.errors,
        title: "Errors",
        description:
          "Requests that failed (a status of 500 or more, or an `error.type`) and those answered 4xx, by all requests. The dashed line is the threshold of the alert rule for failures.",
        sql: errorSteps(HTTP, threshold("http-error-ratio")),
        unit: "percentunit",
        width: 12,
        height: 10,
        lines: { Failed: { color: COLORS.serverError }, "4xx": { color: COLORS.clientError } },
        figures: ["mean", "max", "lastNotNull"],
        threshold: threshold("http-error-ratio"),
      }),
    ],
  };
}

function endpoints(threshold: (rule: string) => Threshold): Row {
  const narrow = `/d/${DASHBOARDS.http.uid}?\${__url_time_range}&var-service=\${__data.fields.Service:percentencode}&\${environment:queryparam}&var-route=\${__data.fields.Route:percentencode}`;
  const link = { title: "Show this route alone", url: narrow };
  return {
    title: "Endpoints",
    panels: [
      tablePanel({
        id: 10,
        title: "Endpoints with the most bytes",
        description:
          "The 25 endpoints with the most body bytes of the time range. A click on a route shows it alone. p95 is of the whole hours, or days, that a range of more than 3 hours, or 3 days, touches.",
        sql: topEndpoints(HTTP),
        width: 24,
        height: 11,
        columns: {
          Service: { unit: "string" },
          Method: { unit: "string", width: 90 },
          Route: { unit: "string", link },
          Received: { unit: "decbytes", width: 110 },
          Sent: { unit: "decbytes", width: 110 },
          Requests: { unit: "short", width: 110 },
          "Requests/s": { unit: "reqps", width: 120 },
          p95: { unit: "ms", decimals: 0, width: 100, colors: [[threshold("http-latency-p95").fallback, "red"]] },
          Failed: {
            unit: "percentunit",
            decimals: 2,
            width: 100,
            colors: [[threshold("http-error-ratio").fallback, "red"]],
          },
        },
        sortBy: { column: "Sent", descending: true },
        noValue: "No request in this time range",
      }),
    ],
  };
}

function wire(): Row {
  return {
    title: "On the wire",
    panels: [
      chartPanel({ ...httpTraffic(HTTP, "wire_"), id: 11, title: "Whole messages", width: 12, description: "Bytes a second of whole messages: start line, headers, framing and body (`bandwidth.http.server.io`). Only apps with this package's instrumentation send it." }),
      chartPanel({ ...httpTraffic(SOCKETS, "connection_"), id: 12, title: "Sockets", width: 12, description: "Bytes a second on the servers' sockets, upgrades and TLS included (`bandwidth.http.server.connection.io`). It knows no route." }),
    ],
  };
}
