/** What several dashboards show of the same traffic: description, query, unit and look. Title, size and place are each dashboard's own. */
import type { ChartOptions } from "../panels/chart-panel.ts";
import { COLORS } from "../panels/colors.ts";
import type { StatOptions } from "../panels/stat-panel.ts";
import type { Scope } from "../sql/filters.ts";
import { errorRatioOfRange, requestRateOfRange, trafficSteps } from "../sql/http-queries.ts";
import { percentileOfRange } from "../sql/percentiles.ts";
import { mediaSteps, running } from "../sql/webrtc-queries.ts";
import type { Threshold } from "../threshold.ts";

/** A number that several dashboards answer with. */
type StatFigure = Omit<StatOptions, "id" | "title" | "width">;
/** A chart of the same lines in several places. */
type ChartFigure = Omit<ChartOptions, "id" | "title" | "width">;

/** Requests a second over the time range. */
export function requestRate(scope: Scope): StatFigure {
  return {
    description: "Requests a second, on average over the part of the time range that has totals.",
    sql: requestRateOfRange(scope),
    unit: "reqps",
  };
}

/** The p95 of request durations over the time range. */
export function requestP95(scope: Scope, threshold: Threshold): StatFigure {
  return {
    description: "95 % of the time range's requests took no longer. Red above the threshold of the alert rule.",
    sql: percentileOfRange(scope, 0.95),
    unit: "ms",
    decimals: 0,
    threshold,
  };
}

/** The share of requests that failed over the time range. */
export function failedShare(scope: Scope, threshold: Threshold): StatFigure {
  return {
    description: "Requests with a status of 500 or more or an `error.type`, by all requests of the time range.",
    sql: errorRatioOfRange(scope),
    unit: "percentunit",
    decimals: 2,
    threshold,
  };
}

/** Meetings that run at the end of the time range. */
export function meetingsNow(scope: Scope): StatFigure {
  return {
    description: "Meetings that were connected in the last three minutes of the time range.",
    sql: running(scope, "meetings"),
    unit: "none",
  };
}

/** Participants that are connected at the end of the time range. */
export function participantsNow(scope: Scope): StatFigure {
  return {
    description: "Participants that were connected in the last three minutes of the time range.",
    sql: running(scope, "participants"),
    unit: "none",
  };
}

/** What HTTP servers received and sent; `prefix` of the columns: bodies, whole messages or sockets. */
export function httpTraffic(scope: Scope, prefix?: Parameters<typeof trafficSteps>[1]): ChartFigure {
  return {
    description: "Body bytes a second that servers received (above) and sent (below).",
    sql: trafficSteps(scope, prefix),
    unit: "Bps",
    lines: { Received: { color: COLORS.received }, Sent: { color: COLORS.sent, below: true } },
    figures: ["mean", "max"],
  };
}

/** What participants of meetings received and sent. */
export function webrtcTraffic(scope: Scope): ChartFigure {
  return {
    description: "Bytes a second that participants received (above) and sent (below).",
    sql: mediaSteps(scope),
    unit: "Bps",
    lines: { Received: { color: COLORS.webrtcReceived }, Sent: { color: COLORS.webrtcSent, below: true } },
    figures: ["mean", "max"],
  };
}
