/** Alerts as the page shows them: titles and units of the rules, values against thresholds, firing before recent. Pure. */
import type { LiveAlert } from "../model/live-alert.ts";
import {
  formatAge,
  formatAverage,
  formatPricePerHour,
  formatRatio,
  formatSeconds,
  quantityText,
} from "./format-quantity.ts";

/** What an alert is about, and how its numbers are written. */
interface RuleText {
  readonly title: string;
  /** A value or threshold with its unit. */
  readonly format: (value: number) => string;
}

/** An alert ready to be shown. */
export interface AlertFigures {
  readonly alert: LiveAlert;
  readonly title: string;
  readonly value: string;
  readonly threshold: string;
  /** Value by threshold, from 0 to 2, for a bar on which the threshold is in the middle; null without a threshold. */
  readonly share: number | null;
  /** "for 3 min", "lasted 2 min" */
  readonly duration: string;
}

/** The page's two lists. */
export interface AlertLists {
  /** Firing, then pending; the worst, then the newest first. */
  readonly active: readonly AlertFigures[];
  /** Resolved, newest first. */
  readonly recent: readonly AlertFigures[];
  /** How many fire that are more than information. */
  readonly firing: number;
}

/** Worst first. */
const SEVERITIES = ["critical", "warning", "info"];
const ratio = (value: number): string => quantityText(formatRatio(value));

/** By the id of the rule, as in the receiver's table; a rule that is not here is shown by its id, with plain numbers. */
export const RULE_TEXTS: Readonly<Record<string, RuleText>> = {
  "http-latency-p95": { title: "HTTP p95 latency", format: (value) => quantityText(formatSeconds(value / 1000)) },
  "http-error-ratio": { title: "HTTP error ratio", format: ratio },
  "webrtc-poor-quality": { title: "WebRTC poor quality", format: ratio },
  "webrtc-packet-loss": { title: "WebRTC packet loss", format: ratio },
  "turn-cost": { title: "TURN relay cost", format: (value) => quantityText(formatPricePerHour(value)) },
  "turn-in-use": { title: "TURN relay in use", format: (value) => `${quantityText(formatAverage(value))} relayed` },
  "receiver-freshness": { title: "Receiver freshness", format: (value) => quantityText(formatSeconds(value)) },
};

/** Sorts alerts into the page's lists. `nowMillis` is the view's time. */
export function alertLists(alerts: readonly LiveAlert[], nowMillis: number): AlertLists {
  const firingFirst = (alert: LiveAlert): number => (alert.state === "firing" ? 0 : 1);
  const active = alerts
    .filter((alert) => alert.state !== "resolved")
    .sort((a, b) => firingFirst(a) - firingFirst(b) || severityRank(a) - severityRank(b) || b.startedAt - a.startedAt);
  const recent = alerts
    .filter((alert) => alert.state === "resolved")
    .sort((a, b) => (b.resolvedAt ?? 0) - (a.resolvedAt ?? 0));
  return {
    active: active.map((alert) => figuresOf(alert, nowMillis)),
    recent: recent.map((alert) => figuresOf(alert, nowMillis)),
    firing: active.filter(({ state, severity }) => state === "firing" && severity !== "info").length,
  };
}

/** The threshold of a rule that one of these alerts carries; undefined when none does. */
export function thresholdOf(alerts: readonly LiveAlert[], rule: string): number | undefined {
  return alerts.find((alert) => alert.rule === rule)?.threshold;
}

function severityRank({ severity }: LiveAlert): number {
  const rank = SEVERITIES.indexOf(severity);
  return rank < 0 ? SEVERITIES.length : rank;
}

function figuresOf(alert: LiveAlert, nowMillis: number): AlertFigures {
  const { rule, value, threshold, startedAt, resolvedAt } = alert;
  const { title, format } = RULE_TEXTS[rule] ?? { title: rule, format: String };
  return {
    alert,
    title,
    value: format(value),
    threshold: format(threshold),
    share: threshold > 0 ? Math.min(2, Math.max(0, value / threshold)) : null,
    duration:
      resolvedAt === null ? `for ${formatAge(nowMillis - startedAt)}` : `lasted ${formatAge(resolvedAt - startedAt)}`,
  };
}
