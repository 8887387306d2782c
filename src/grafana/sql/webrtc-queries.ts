/** Queries of WebRTC panels: meetings, quality, relay and what it costs, round trips and loss. */
import { LATENCY_SCALE } from "../../model/latency-histogram.ts";
import { sumOf } from "../names.ts";
import type { Threshold } from "../threshold.ts";
import { inSteps, IN_RANGE, ROLLUP_ROWS, type Scope, scopeConditions, stepStart } from "./filters.ts";
import { rate } from "./http-queries.ts";
import { withPercentile } from "./listed-percentiles.ts";
import { HISTOGRAM_BUCKETS } from "./percentiles.ts";
import { stepQuery } from "./steps.ts";

/** A meeting counts as running when it was connected in the last so many seconds of totals. */
const RUNNING_SECONDS = 180;

/** The meetings and participants that a table lists. */
const LISTED_MEETINGS = 50;

/** The levels of quality, best first, and the column of each. */
export const QUALITIES: Readonly<Record<string, string>> = {
  Excellent: "quality_excellent_seconds",
  Good: "quality_good_seconds",
  Fair: "quality_fair_seconds",
  Poor: "quality_poor_seconds",
  Unknown: "quality_unknown_seconds",
};

/** Known quality: what a share of poor time is of. */
const ASSESSED = Object.values(QUALITIES)
  .filter((column) => column !== "quality_unknown_seconds")
  .map((column) => sumOf(column))
  .join(" + ");

/** Loss of both directions, the worse one: what the alert rule judges. */
const LOSS = `GREATEST(
    COALESCE(1e0 * ${sumOf("packets_lost_in")} / NULLIF(${sumOf("packets_in")} + ${sumOf("packets_lost_in")}, 0), 0),
    COALESCE(1e0 * ${sumOf("packets_lost_out")} / NULLIF(${sumOf("packets_out")}, 0), 0))`;

/** Meetings, or their participants, that were connected in the last minutes of totals before the end of the range. */
export function running(scope: Scope, what: "meetings" | "participants"): string {
  const counted = what === "meetings" ? "DISTINCT meeting_id" : "DISTINCT meeting_id, participant_id";
  const coveredUntil = "(SELECT LEAST($__unixEpochTo(), COALESCE(MAX(persisted_at), 0)) FROM ingest_offset)";
  return `SELECT STRAIGHT_JOIN COUNT(${counted}) AS ${what}
FROM metrics_minute JOIN series USING (series_id, protocol)
WHERE bucket_start BETWEEN ${coveredUntil} - ${RUNNING_SECONDS} AND ${coveredUntil} AND connected_seconds > 0
  AND ${scopeConditions(scope)}`;
}

/** Bytes a second, received and sent by participants. */
export function mediaSteps(scope: Scope, wire = false): string {
  const prefix = wire ? "wire_" : "";
  const sums = { received: sumOf(`${prefix}bytes_in`), sent: sumOf(`${prefix}bytes_out`) };
  return stepQuery({ scope, sums, lines: [rate("Received", "received"), rate("Sent", "sent")] });
}

/** Meetings and participants that were connected in each step. */
export function meetingSteps(scope: Scope): string {
  const connected = (ids: string): string => `COUNT(DISTINCT CASE WHEN connected_seconds > 0 THEN ${ids} END)`;
  return stepQuery({
    scope,
    sums: { meetings: connected("meeting_id"), participants: connected("CONCAT(meeting_id, ' ', participant_id)") },
    lines: [
      { name: "Meetings", value: "meetings" },
      { name: "Participants", value: "participants" },
    ],
  });
}

/** Connected time of each quality, participants on average. */
export function qualitySteps(scope: Scope): string {
  const qualities = Object.entries(QUALITIES);
  return stepQuery({
    scope,
    sums: Object.fromEntries(qualities.map(([, column]) => [`${column}_sum`, sumOf(column)])),
    lines: qualities.map(([name, column]) => rate(name, `${column}_sum`)),
  });
}

/** Participants that were relayed and that were not, on average. */
export function relaySteps(scope: Scope): string {
  return stepQuery({
    scope,
    sums: { relayed: sumOf("relay_seconds"), connected: sumOf("connected_seconds") },
    lines: [rate("Relayed", "relayed"), { name: "Direct", value: "(connected - relayed) / seconds" }],
  });
}

/** What the relay costs an hour. */
export function costSteps(scope: Scope, threshold: Threshold): string {
  return stepQuery({
    scope,
    sums: { cost: sumOf("relay_cost") },
    lines: [{ name: "Cost an hour", value: "cost * 3600 / seconds" }],
    threshold,
  });
}

/** Packets lost by those that were sent, each way. */
export function lossSteps(scope: Scope, threshold: Threshold): string {
  return stepQuery({
    scope,
    sums: {
      lost_in: sumOf("packets_lost_in"),
      came: sumOf("packets_in"),
      lost_out: sumOf("packets_lost_out"),
      went: sumOf("packets_out"),
    },
    lines: [
      { name: "Received", value: "1e0 * lost_in / NULLIF(came + lost_in, 0)" },
      { name: "Sent", value: "1e0 * lost_out / NULLIF(went, 0)" },
    ],
    threshold,
  });
}

/** Mean jitter, milliseconds. */
export function jitterSteps(scope: Scope): string {
  return stepQuery({
    scope,
    sums: { jitter: sumOf("jitter_sum_seconds"), observed: sumOf("jitter_count") },
    lines: [{ name: "Jitter", value: "1000 * jitter / NULLIF(observed, 0)" }],
  });
}

/** Shares of connected time in which video stood still, and of frames that were dropped. */
export function videoSteps(scope: Scope): string {
  return stepQuery({
    scope,
    sums: {
      frozen: sumOf("freeze_seconds"),
      connected: sumOf("connected_seconds"),
      dropped: sumOf("frames_dropped"),
      shown: sumOf("frames"),
    },
    lines: [
      { name: "Time frozen", value: "1e0 * frozen / NULLIF(connected, 0)" },
      { name: "Frames dropped", value: "1e0 * dropped / NULLIF(shown, 0)" },
    ],
  });
}

/** A share of two sums over the time range. */
export function shareOfRange(scope: Scope, part: string, whole: string): string {
  return `SELECT $read_order 1e0 * (${part}) / NULLIF(${whole}, 0) AS share
FROM ${ROLLUP_ROWS}
WHERE ${IN_RANGE} AND ${scopeConditions(scope)}`;
}

/** The share of known quality that was poor. */
export const poorShareOfRange = (scope: Scope): string => shareOfRange(scope, sumOf("quality_poor_seconds"), ASSESSED);

/** The share of connected time that was relayed. */
export const relayShareOfRange = (scope: Scope): string =>
  shareOfRange(scope, sumOf("relay_seconds"), sumOf("connected_seconds"));

/** The worse loss of the two directions. */
export function lossOfRange(scope: Scope): string {
  return `SELECT $read_order CASE WHEN ${sumOf("packets_in")} + ${sumOf("packets_out")} > 0 THEN ${LOSS} END AS loss
FROM ${ROLLUP_ROWS}
WHERE ${IN_RANGE} AND ${scopeConditions(scope)}`;
}

/** What the relay cost since the first of the month, or since midnight, UTC: whatever the time range is. */
export function costSince(start: "month" | "day", scope: Scope): string {
  const midnight = "UNIX_TIMESTAMP() - UNIX_TIMESTAMP() MOD 86400";
  const from = start === "day" ? midnight : `${midnight} - (DAYOFMONTH(UTC_DATE()) - 1) * 86400`;
  return `SELECT COALESCE(${sumOf("relay_cost")}, 0) AS cost
FROM metrics_daily JOIN series USING (series_id, protocol)
WHERE bucket_start >= ${from} AND ${scopeConditions(scope)}`;
}

/** The upper bounds of the rows of the round-trip heatmap, milliseconds; each is read as the bucket bound next to it. */
export const HEATMAP_BOUNDS: readonly number[] = [5, 10, 20, 40, 80, 160, 320, 640, 1280];

/** Round trips by how long they took: a row a step and a column a range of the heatmap, the fastest first. */
export function roundTripHeatmap(scope: Scope): string {
  const edges = HEATMAP_BOUNDS.map((millis) => Math.round(Math.log2(millis / 1000) * 2 ** LATENCY_SCALE));
  const column = (name: string, condition: string): string =>
    `  SUM(CASE WHEN ${condition} THEN observations ELSE 0 END) AS "${name}"`;
  const columns = HEATMAP_BOUNDS.map((bound, index) => {
    const from = index === 0 ? "" : `bucket >= ${edges[index - 1]} AND `;
    return column(`${index === 0 ? 0 : HEATMAP_BOUNDS[index - 1]}–${bound} ms`, `${from}bucket < ${edges[index]}`);
  });
  columns.push(column(`> ${HEATMAP_BOUNDS.at(-1)} ms`, `bucket >= ${edges.at(-1)}`));
  return `SELECT step_start AS "time",
${columns.join(",\n")}
FROM (
  SELECT ${stepStart("latency_step")}, bucket, SUM(observations) AS observations
  FROM $latency_source, ${HISTOGRAM_BUCKETS}
  WHERE ${inSteps("latency_step")}
    AND ${scopeConditions(scope)}
  GROUP BY step_start, bucket
) AS merged
GROUP BY step_start
ORDER BY step_start`;
}

/** What a table of meetings or of participants lists: those with the most connected time of the range. */
export function meetingTable(scope: Scope, what: "meetings" | "participants"): string {
  const names = what === "meetings" ? ["meeting_id"] : ["meeting_id", "participant_id"];
  const listed = `SELECT $read_order ${names.join(", ")}, MIN(series_id) AS listed_id, COUNT(DISTINCT participant_id) AS participants,
    ${sumOf("connected_seconds")} AS connected, ${sumOf("relay_seconds")} AS relayed, ${sumOf("relay_cost")} AS cost,
    ${sumOf("bytes_in")} + ${sumOf("bytes_out")} AS bytes,
    1e0 * ${sumOf("quality_poor_seconds")} / NULLIF(${ASSESSED}, 0) AS poor, ${LOSS} AS loss
  FROM ${ROLLUP_ROWS}
  WHERE ${IN_RANGE} AND ${scopeConditions(scope)}
  GROUP BY ${names.join(", ")}
  ORDER BY ${sumOf("connected_seconds")} DESC
  LIMIT ${LISTED_MEETINGS}`;
  const second = what === "meetings" ? `participants AS "Participants"` : `participant_id AS "Participant"`;
  const figures = ["participants", "connected", "relayed", "cost", "bytes", "poor", "loss"];
  return `${withPercentile({ scope, listed, names, figures })}
SELECT meeting_id AS "Meeting", ${second}, connected / 3600 AS "Connected", poor AS "Poor quality", p95 AS "RTT p95",
  loss AS "Loss", 1e0 * relayed / NULLIF(connected, 0) AS "Relayed", cost AS "TURN cost", bytes AS "Bytes"
FROM figures JOIN series ON series_id = listed_id
ORDER BY connected DESC`;
}
