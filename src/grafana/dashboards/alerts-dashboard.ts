/** Alerts: what fires, what each rule measures against its threshold, what has fired, and what to do. */
import type { AlertRule, AlertSettings } from "../../model/alert-rule.ts";
import { DASHBOARDS } from "../names.ts";
import { alertListPanel, textPanel } from "../panels/own-panels.ts";
import { statPanel } from "../panels/stat-panel.ts";
import { tablePanel, type Column } from "../panels/table-panel.ts";
import { panelOfRule } from "../rule-panels.ts";
import { alertHistory, FIRING, firingOf, valuesAgainstThresholds } from "../sql/alert-queries.ts";
import { FRESHNESS } from "../sql/receiver-queries.ts";
import { thresholdOf } from "../threshold.ts";
import { dashboardJson, type Row } from "./dashboard.ts";

/** The panel that says what to do. */
export const RUNBOOK_PANEL = 9;

const SEVERITY: Column = {
  unit: "string",
  width: 90,
  words: {
    critical: { text: "critical", color: "red" },
    warning: { text: "warning", color: "orange" },
    info: { text: "info", color: "blue" },
  },
};

/** The JSON of the dashboard of alerts. */
export function alertsDashboard(rules: readonly AlertRule[], defaults: AlertSettings): string {
  return dashboardJson({
    name: DASHBOARDS.alerts,
    description:
      "What fires, every rule's value against its threshold, what has fired before, and what to do about it.",
    variables: [],
    rows: [answers(rules, defaults), now(rules, defaults), past(rules), runbook(rules, defaults)],
  });
}

function answers(rules: readonly AlertRule[], defaults: AlertSettings): Row {
  const count = (id: number, title: string, sql: string, color: string, description: string) =>
    statPanel({
      id,
      title,
      description,
      sql,
      unit: "none",
      width: 6,
      colors: [
        [null, "green"],
        [1, color],
      ],
    });
  return {
    panels: [
      count(1, "Firing", FIRING, "red", "Alerts that the receiver has found and that are not resolved."),
      count(2, "Critical", firingOf("critical"), "red", "Of these, the critical ones."),
      count(3, "Warnings", firingOf("warning"), "orange", "Of these, the warnings."),
      statPanel({
        id: 4,
        title: "Totals are behind by",
        description:
          "Alerts are as fresh as the totals: time since they were persisted, of the shard that is furthest behind.",
        sql: FRESHNESS,
        unit: "s",
        decimals: 0,
        width: 6,
        threshold: thresholdOf(rules, defaults, "receiver-freshness"),
        noValue: "nothing yet",
      }),
    ],
  };
}

function now(rules: readonly AlertRule[], defaults: AlertSettings): Row {
  return {
    title: "Now",
    panels: [
      tablePanel({
        id: 5,
        title: "Values against thresholds",
        description:
          "What every rule measures over its last minutes, for each service or meeting, whatever the time range is. Thresholds are those that the receiver runs with. Too few: so few samples that the rule says nothing.",
        sql: valuesAgainstThresholds(rules, defaults),
        width: 18,
        height: 10,
        columns: {
          State: {
            unit: "string",
            width: 80,
            words: {
              broken: { text: "broken", color: "red" },
              kept: { text: "kept", color: "green" },
              "too few samples": { text: "too few", color: "text" },
            },
          },
          Rule: { unit: "string", width: 170 },
          Severity: SEVERITY,
          Scope: { unit: "string" },
          Value: { unit: "string", width: 105 },
          Threshold: { unit: "string", width: 105 },
          "Of threshold": { unit: "percentunit", decimals: 0, width: 110, colors: [[1, "red"]] },
        },
        noValue: "Nothing to measure in the last minutes",
      }),
      alertListPanel({
        id: 6,
        title: "Pending and firing in Grafana",
        description: "The rules that Grafana evaluates and notifies of. They are provisioned from the same table.",
        width: 6,
        height: 10,
      }),
    ],
  };
}

function past(rules: readonly AlertRule[]): Row {
  return {
    title: "Time range",
    panels: [
      tablePanel({
        id: 7,
        title: "Alerts of the time range",
        description: "Alerts that the receiver found firing at some time of the range, the newest first.",
        sql: alertHistory(rules),
        width: 24,
        height: 8,
        columns: {
          State: {
            unit: "string",
            width: 90,
            words: { firing: { text: "firing", color: "red" }, resolved: { text: "resolved", color: "green" } },
          },
          Rule: { unit: "string", width: 160 },
          Severity: SEVERITY,
          Scope: { unit: "string" },
          "Worst value": { unit: "string", width: 105 },
          Threshold: { unit: "string", width: 105 },
          Started: { unit: "dateTimeAsIso", width: 160 },
          Resolved: { unit: "dateTimeAsIso", width: 160 },
          Lasted: { unit: "s", decimals: 0, width: 80 },
        },
        noValue: "No alert in this time range",
      }),
    ],
  };
}

function runbook(rules: readonly AlertRule[], defaults: AlertSettings): Row {
  const sections = rules.map((rule) => {
    const { dashboard, panelId } = panelOfRule(rule.id);
    const { severity, summary, windowSeconds, forSeconds, minimumSamples, samplesOf } = rule;
    const enough = minimumSamples > 1 ? `, with at least ${minimumSamples} ${samplesOf}` : "";
    return `### ${rule.title}

${summary} Fires (${severity}) when more than ${said(rule.threshold(defaults), rule.unit)} by default, over ${windowSeconds / 60} minutes and for ${forSeconds / 60} more${enough}. [Look at it](/d/${dashboard.uid}?viewPanel=${panelId}). What to do: \`docs/runbook.md#${rule.id}\`.
`;
  });
  return {
    title: "What to do",
    panels: [
      textPanel(
        {
          id: RUNBOOK_PANEL,
          title: "Rules and runbook",
          description: "What each rule means, and where to look first.",
          width: 24,
          height: 19,
        },
        sections.join("\n"),
      ),
    ],
  };
}

function said(threshold: number, unit: string): string {
  switch (unit) {
    case "1":
      return `${threshold * 100} %`;
    case "ms":
    case "s":
      return `${threshold} ${unit}`;
    case "{currency}/h":
      return `${threshold} an hour`;
    default:
      return `${threshold} ${unit.replaceAll(/[{}]/g, "")}s`;
  }
}
