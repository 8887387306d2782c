/** WebRTC: who meets, how well it goes, and what the TURN relay costs. */
import { DASHBOARDS } from "../names.ts";
import { chartPanel } from "../panels/chart-panel.ts";
import { COLORS } from "../panels/colors.ts";
import { heatmapPanel } from "../panels/heatmap-panel.ts";
import { statPanel } from "../panels/stat-panel.ts";
import type { Scope } from "../sql/filters.ts";
import { totalOfRange } from "../sql/http-queries.ts";
import { percentileOfRange, percentileSteps } from "../sql/percentiles.ts";
import {
  ENVIRONMENT,
  GRANULARITY,
  latencySource,
  LATENCY_STEP,
  MEETING,
  READ_ORDER, SERVICE,
  SPAN,
  STEP,
} from "../sql/variables.ts";
import {
  costSince,
  costSteps,
  jitterSteps,
  lossOfRange,
  lossSteps,
  meetingSteps,
  poorShareOfRange,
  qualitySteps,
  relayShareOfRange,
  relaySteps,
  roundTripHeatmap,
  videoSteps,
} from "../sql/webrtc-queries.ts";
import type { Threshold } from "../threshold.ts";
import { dashboardJson, type Row } from "./dashboard.ts";
import { meetingsNow, participantsNow, webrtcTraffic } from "./shared-figures.ts";
import { listsOfWebrtc } from "./webrtc-lists.ts";

const WEBRTC: Scope = { protocol: "webrtc", choices: ["service", "environment", "meeting"] };

/** The panels that the rules of WebRTC belong to. */
export const WEBRTC_PANELS = { quality: 10, loss: 16, cost: 13, relay: 12 } as const;

const CURRENCY = "in the currency of `TURN_COST_PER_USER_HOUR` and `TURN_COST_PER_GB`";

/** The JSON of the WebRTC dashboard; `threshold` gives the threshold of an alert rule. */
export function webrtcDashboard(threshold: (rule: string) => Threshold): string {
  return dashboardJson({
    name: DASHBOARDS.webrtc,
    description: "Meetings: their bandwidth, quality, round trips and loss, and the TURN relay with its price.",
    variables: [
      SERVICE,
      ENVIRONMENT,
      GRANULARITY, READ_ORDER,
      MEETING,
      STEP,
      SPAN,
      latencySource({ protocol: "webrtc", narrow: { column: "meeting_id", variable: "meeting" } }),
      LATENCY_STEP,
    ],
    rows: [answers(threshold), meetings(threshold), relay(threshold), network(threshold), listsOfWebrtc(WEBRTC, threshold)],
  });
}

function answers(threshold: (rule: string) => Threshold): Row {
  return {
    panels: [
      statPanel({ id: 1, title: "Meetings now", width: 3, ...meetingsNow(WEBRTC) }),
      statPanel({ id: 2, title: "People now", width: 3, ...participantsNow(WEBRTC) }),
      statPanel({
        id: 3,
        title: "Poor quality",
        description: "Share of connected time whose quality was poor; time of unknown quality is left out.",
        sql: poorShareOfRange(WEBRTC),
        unit: "percentunit",
        decimals: 1,
        width: 3,
        threshold: threshold("webrtc-poor-quality"),
      }),
      statPanel({
        id: 4,
        title: "Packet loss",
        description: "Packets lost by those that were sent, over the time range: the worse of the two directions.",
        sql: lossOfRange(WEBRTC),
        unit: "percentunit",
        decimals: 2,
        width: 3,
        threshold: threshold("webrtc-packet-loss"),
      }),
      statPanel({
        id: 5,
        title: "Round trip p95",
        description: "95 % of the round trips of the time range took no longer.",
        sql: percentileOfRange(WEBRTC, 0.95),
        unit: "ms",
        decimals: 0,
        width: 3,
      }),
      statPanel({
        id: 6,
        title: "Relayed",
        description: "Share of connected time that went over a TURN relay.",
        sql: relayShareOfRange(WEBRTC),
        unit: "percentunit",
        decimals: 1,
        width: 3,
      }),
      statPanel({
        id: 7,
        title: "Cost today",
        description: `What the TURN relay cost since midnight (UTC), ${CURRENCY}, whatever the time range is.`,
        sql: costSince("day", WEBRTC),
        unit: "none",
        decimals: 2,
        width: 3,
      }),
      statPanel({
        id: 8,
        title: "Cost in range",
        description: `What the TURN relay cost in the time range, ${CURRENCY}.`,
        sql: totalOfRange(WEBRTC, "relay_cost"),
        unit: "none",
        decimals: 2,
        width: 3,
      }),
    ],
  };
}

function meetings(threshold: (rule: string) => Threshold): Row {
  return {
    title: "Meetings and quality",
    panels: [
      chartPanel({
        id: 9,
        title: "Meetings and participants",
        description: "Meetings and participants that were connected in each step.",
        sql: meetingSteps(WEBRTC),
        unit: "none",
        decimals: 0,
        width: 8,
        lines: { Meetings: { color: "purple" }, Participants: { color: "blue" } },
        figures: ["max", "lastNotNull"],
      }),
      chartPanel({
        id: WEBRTC_PANELS.quality,
        title: "Quality",
        description: `Connected time by quality, as shares. The alert rule is broken when more than ${Math.round(threshold("webrtc-poor-quality").fallback * 100)} % of a meeting's assessed time (by default) is poor.`,
        sql: qualitySteps(WEBRTC),
        unit: "percentunit",
        width: 8,
        style: "bars",
        stacking: "percent",
        lines: {
          Excellent: { color: COLORS.excellent },
          Good: { color: COLORS.good },
          Fair: { color: COLORS.fair },
          Poor: { color: COLORS.poor },
          Unknown: { color: COLORS.unknown },
        },
      }),
      chartPanel({ id: 11, title: "Bandwidth", width: 8, ...webrtcTraffic(WEBRTC) }),
    ],
  };
}

function relay(threshold: (rule: string) => Threshold): Row {
  return {
    title: "TURN relay",
    panels: [
      chartPanel({
        id: WEBRTC_PANELS.relay,
        title: "Participants by path",
        description: "Participants that were relayed and that were connected directly, on average of each step.",
        sql: relaySteps(WEBRTC),
        unit: "short",
        decimals: 1,
        width: 12,
        style: "bars",
        stacking: "normal",
        lines: { Relayed: { color: COLORS.relayed }, Direct: { color: COLORS.direct } },
        figures: ["mean", "max"],
      }),
      chartPanel({
        id: WEBRTC_PANELS.cost,
        title: "TURN cost an hour",
        description: `What the relay costs an hour, ${CURRENCY}. The dashed line is the threshold of the alert rule.`,
        sql: costSteps(WEBRTC, threshold("turn-cost")),
        unit: "none",
        decimals: 2,
        width: 12,
        style: "bars",
        lines: { "Cost an hour": { color: COLORS.cost } },
        figures: ["mean", "max"],
        threshold: threshold("turn-cost"),
      }),
    ],
  };
}

function network(threshold: (rule: string) => Threshold): Row {
  return {
    title: "Network",
    panels: [
      heatmapPanel({
        id: 14,
        title: "Round trips",
        description: "How many round trips took how long (`webrtc.round_trip_time`), in each step.",
        sql: roundTripHeatmap(WEBRTC),
        unit: "short",
        width: 12,
      }),
      chartPanel({
        id: 15,
        title: "Round trip percentiles",
        description: "Percentiles of round trips, merged from histograms.",
        sql: percentileSteps(WEBRTC, [0.5, 0.95]),
        unit: "ms",
        width: 12,
        lines: { p50: { color: COLORS.p50 }, p95: { color: COLORS.p95 } },
        figures: ["min", "max", "lastNotNull"],
      }),
      chartPanel({
        id: WEBRTC_PANELS.loss,
        title: "Packet loss each way",
        description:
          "Packets lost by those that were sent, of what participants received and sent. The dashed line is the threshold of the alert rule, which judges each meeting.",
        sql: lossSteps(WEBRTC, threshold("webrtc-packet-loss")),
        unit: "percentunit",
        width: 8,
        lines: { Received: { color: COLORS.webrtcReceived }, Sent: { color: COLORS.webrtcSent } },
        figures: ["mean", "max"],
        threshold: threshold("webrtc-packet-loss"),
      }),
      chartPanel({
        id: 17,
        title: "Jitter",
        description: "Mean jitter of received audio (`webrtc.jitter`).",
        sql: jitterSteps(WEBRTC),
        unit: "ms",
        width: 8,
        lines: { Jitter: { color: "purple" } },
        figures: ["mean", "max"],
      }),
      chartPanel({
        id: 18,
        title: "Video",
        description:
          "Share of connected time in which received video stood still, and of video frames that were dropped.",
        sql: videoSteps(WEBRTC),
        unit: "percentunit",
        width: 8,
        lines: { "Time frozen": { color: "red" }, "Frames dropped": { color: "yellow" } },
        figures: ["mean", "max"],
      }),
    ],
  };
}
