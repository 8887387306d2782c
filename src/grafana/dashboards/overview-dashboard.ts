/** The overview: what traffic weighs and costs right now, on one screen, and whether the figures are fresh. */
import { DASHBOARDS } from "../names.ts";
import { chartPanel } from "../panels/chart-panel.ts";
import { COLORS } from "../panels/colors.ts";
import { statPanel } from "../panels/stat-panel.ts";
import { tablePanel } from "../panels/table-panel.ts";
import { FIRING } from "../sql/alert-queries.ts";
import type { Scope } from "../sql/filters.ts";
import { totalOfRange } from "../sql/http-queries.ts";
import { percentileSteps } from "../sql/percentiles.ts";
import {
  CUT_TENANTS,
  FRESHNESS,
  QUARANTINE,
  RECEIVER_FAULT_LINES,
  RECEIVER_LINES,
  receiverSteps,
  SHARDS,
  STORE_TIMES,
  WRITES,
} from "../sql/receiver-queries.ts";
import { ENVIRONMENT, GRANULARITY, latencySource, LATENCY_STEP, READ_ORDER, SERVICE, STEP } from "../sql/variables.ts";
import { costSince } from "../sql/webrtc-queries.ts";
import type { Threshold } from "../threshold.ts";
import { dashboardJson, type Row } from "./dashboard.ts";
import {
  failedShare,
  httpTraffic,
  meetingsNow,
  participantsNow,
  requestP95,
  requestRate,
  webrtcTraffic,
} from "./shared-figures.ts";

const HTTP: Scope = { protocol: "http", side: "server", choices: ["service", "environment"] };
const WEBRTC: Scope = { protocol: "webrtc", choices: ["service", "environment"] };

/** The JSON of the overview; `threshold` gives the threshold of an alert rule. */
export function overviewDashboard(threshold: (rule: string) => Threshold): string {
  return dashboardJson({
    name: DASHBOARDS.overview,
    description:
      "What HTTP and WebRTC traffic weighs, how it does, what the TURN relay costs, and how fresh the totals are.",
    variables: [SERVICE, ENVIRONMENT, GRANULARITY, READ_ORDER, STEP, latencySource({ protocol: "http" }), LATENCY_STEP],
    rows: [answers(threshold), traffic(threshold), receiver(threshold)],
  });
}

const http = { leadsTo: DASHBOARDS.http };
const webrtc = { leadsTo: DASHBOARDS.webrtc };

function answers(threshold: (rule: string) => Threshold): Row {
  return {
    panels: [
      statPanel({
        id: 1,
        title: "HTTP received",
        description: "Request body bytes that servers received in the time range.",
        sql: totalOfRange(HTTP, "bytes_in"),
        unit: "decbytes",
        width: 5,
        ...http,
      }),
      statPanel({
        id: 2,
        title: "HTTP sent",
        description: "Response body bytes that servers sent in the time range.",
        sql: totalOfRange(HTTP, "bytes_out"),
        unit: "decbytes",
        width: 5,
        ...http,
      }),
      statPanel({ id: 3, title: "Requests", width: 5, ...requestRate(HTTP), ...http }),
      statPanel({ id: 4, title: "HTTP p95", width: 5, ...requestP95(HTTP, threshold("http-latency-p95")), ...http }),
      statPanel({ id: 5, title: "Failed", width: 4, ...failedShare(HTTP, threshold("http-error-ratio")), ...http }),
      statPanel({ id: 6, title: "Meetings now", width: 5, ...meetingsNow(WEBRTC), ...webrtc }),
      statPanel({ id: 7, title: "Participants now", width: 5, ...participantsNow(WEBRTC), ...webrtc }),
      statPanel({
        id: 8,
        title: "TURN cost this month",
        description:
          "What the TURN relay cost since the first of this month (UTC), in the currency of `TURN_COST_PER_USER_HOUR` and `TURN_COST_PER_GB`, whatever the time range is.",
        sql: costSince("month", WEBRTC),
        unit: "none",
        decimals: 2,
        width: 5,
        ...webrtc,
      }),
      statPanel({
        id: 9,
        title: "Alerts firing",
        description: "Alerts that the receiver has found and that are not resolved.",
        sql: FIRING,
        unit: "none",
        width: 5,
        colors: [
          [null, "green"],
          [1, "red"],
        ],
        leadsTo: DASHBOARDS.alerts,
      }),
      statPanel({
        id: 10,
        title: "Totals are behind by",
        description:
          "Time since totals were persisted, of the shard that is furthest behind. A commit a minute is usual.",
        sql: FRESHNESS,
        unit: "s",
        decimals: 0,
        width: 4,
        threshold: threshold("receiver-freshness"),
        noValue: "nothing yet",
      }),
    ],
  };
}

function traffic(threshold: (rule: string) => Threshold): Row {
  return {
    title: "Traffic",
    panels: [
      chartPanel({ id: 11, title: "HTTP traffic", width: 12, ...httpTraffic(HTTP), ...http }),
      chartPanel({ id: 12, title: "WebRTC traffic", width: 12, ...webrtcTraffic(WEBRTC), ...webrtc }),
      chartPanel({
        id: 13,
        title: "HTTP latency",
        description:
          "Percentiles of request durations, merged from histograms. The dashed line is the threshold of the alert rule.",
        sql: percentileSteps(HTTP, [0.5, 0.95], threshold("http-latency-p95")),
        unit: "ms",
        width: 24,
        height: 9,
        lines: { p50: { color: COLORS.p50 }, p95: { color: COLORS.p95 } },
        figures: ["min", "mean", "max"],
        threshold: threshold("http-latency-p95"),
        leadsTo: DASHBOARDS.http,
      }),
    ],
  };
}

function receiver(threshold: (rule: string) => Threshold): Row {
  const counted = Object.keys(RECEIVER_LINES);
  const faults = Object.keys(RECEIVER_FAULT_LINES);
  const look = (names: readonly string[], colors: readonly string[]): Record<string, { color: string }> =>
    Object.fromEntries(names.map((name, index) => [name, { color: colors[index]! }]));
  const limit = threshold("receiver-freshness").fallback;
  return {
    title: "Receiver",
    panels: [
      chartPanel({
        id: 14,
        title: "Data points a minute",
        description:
          "What the receiver folded: counted, recognised as repeated, taken as the baseline of a stream that began before, or of a metric that is not ours.",
        sql: receiverSteps(RECEIVER_LINES),
        unit: "short",
        width: 8,
        lines: look(counted, ["blue", "purple", "yellow", COLORS.unknown]),
        style: "bars",
        stacking: "normal",
      }),
      chartPanel({
        id: 15,
        title: "Not counted as sent, a minute",
        description:
          "Points refused at the door, faulty (a counter that went down or jumped beyond belief), put in quarantine, counted in `__other__` for want of room, or refused because their tenant is over a limit of its own (429, `partial_success`). Nothing here is good.",
        sql: receiverSteps(RECEIVER_FAULT_LINES),
        unit: "short",
        width: 8,
        lines: look(faults, ["orange", "red", "dark-red", "yellow", "purple"]),
        style: "bars",
        stacking: "normal",
      }),
      chartPanel({
        id: 16,
        title: "What keeping totals costs, a minute",
        description:
          "Rows of totals that are stored a minute beside the requests they count: a row a request would be as many writes as requests. Minutes are kept 48 hours.",
        sql: WRITES,
        unit: "short",
        width: 8,
        lines: { "Rows stored": { color: COLORS.cost }, "Requests counted": { color: COLORS.received } },
      }),
      chartPanel({
        id: 19,
        title: "Times of the stores",
        description:
          "Means: from the receipt of an entry to its folding (a fold every 5 s is usual), of a commit to SQL, of a call to the log (an append waits for Redis or SQLite to flush), of an update of the live figures.",
        sql: STORE_TIMES,
        unit: "ms",
        width: 24,
        height: 10,
        lines: look(["Until folded", "SQL commit", "Log call", "Live update"], ["blue", "orange", "purple", "green"]),
        figures: ["mean", "max"],
      }),
      tablePanel({
        id: 17,
        title: "Shards",
        description: "How far each shard of the log is behind, and its commits.",
        sql: SHARDS,
        width: 18,
        height: 6,
        columns: {
          Shard: { unit: "none" },
          Behind: { unit: "s", decimals: 0, colors: [[limit, "red"]] },
          Persisted: { unit: "dateTimeAsIso" },
          Commits: { unit: "short" },
          Generation: { unit: "none" },
        },
        noValue: "No receiver has started yet",
      }),
      {
        ...statPanel({
          id: 18,
          title: "In quarantine",
          description: "Metrics that can never be folded, kept in `ingest_quarantine` with the reason.",
          sql: QUARANTINE,
          unit: "none",
          width: 6,
          colors: [
            [null, "green"],
            [1, "orange"],
          ],
        }),
        height: 6,
      },
      tablePanel({
        id: 20,
        title: "Tenants with more series than they may have",
        description:
          "What of a namespace is counted in its own row `__other__`: its totals are whole, which routes or participants they belong to is lost. Limits: `TENANT_MAX_SERIES`, `TENANTS_FILE`.",
        sql: CUT_TENANTS,
        width: 24,
        height: 6,
        columns: {
          Tenant: { unit: "none" },
          "Requests without a name": { unit: "short" },
          "Bytes without a name": { unit: "decbytes" },
        },
        noValue: "No tenant is over its series limit",
      }),
    ],
  };
}
