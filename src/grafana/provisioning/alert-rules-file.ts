/**
 * `provisioning/alerting`: the rules that Grafana evaluates and notifies of, from the one table of rules. Thresholds are read from SQL
 * by each evaluation: a rule's model takes no environment. What only a newer Grafana knows (keepFiringFor, KeepLast) is left out.
 */
import type { AlertRule, AlertSettings } from "../../model/alert-rule.ts";
import { RUNBOOK_PANEL } from "../dashboards/alerts-dashboard.ts";
import { DASHBOARDS, DATASOURCE_UID, FOLDER } from "../names.ts";
import { panelOfRule } from "../rule-panels.ts";
import { ruleQuery, UNSETTLED_SECONDS } from "../sql/alert-queries.ts";
import { thresholdExpression } from "../threshold.ts";
import { yamlFile } from "./yaml-file.ts";

/** How often the rules are evaluated. */
const EVALUATION_INTERVAL = "60s";

const EXPRESSION = { type: "__expr__", uid: "__expr__" } as const;

/** The rule that tells of a database that is gone or totals that are old; the others keep still then. */
const FRESHNESS_RULE = "receiver-freshness";

/** The YAML of the rules. */
export function alertRulesFile(rules: readonly AlertRule[], defaults: AlertSettings): string {
  const comment = `Value (A) against threshold (B): a row of A a service or meeting that has enough samples.
Nothing measured is no alert: rules of traffic are OK without data. What is wrong with the database or the receiver is told once, by
${FRESHNESS_RULE}, which fires without data and on errors.`;
  return yamlFile(comment, {
    apiVersion: 1,
    groups: [
      {
        orgId: 1,
        name: "otel-bandwidth",
        folder: FOLDER,
        interval: EVALUATION_INTERVAL,
        rules: rules.map((rule) => ruleModel(rule, defaults)),
      },
    ],
  });
}

function ruleModel(rule: AlertRule, defaults: AlertSettings): object {
  const { dashboard, panelId } = panelOfRule(rule.id);
  const watchesUs = rule.id === FRESHNESS_RULE;
  return {
    uid: `bandwidth-${rule.id}`,
    title: rule.title,
    condition: "C",
    for: `${rule.forSeconds}s`,
    noDataState: watchesUs ? "Alerting" : "OK",
    execErrState: watchesUs ? "Alerting" : "OK",
    dashboardUid: dashboard.uid,
    panelId,
    labels: { severity: rule.severity, protocol: rule.protocol, rule: rule.id, source: "otel-bandwidth" },
    annotations: {
      summary: `${rule.title} above its threshold`,
      description: description(rule),
      runbook_url: `{{ externalURL }}d/${DASHBOARDS.alerts.uid}?viewPanel=${RUNBOOK_PANEL}#${rule.id}`,
      // Grafana before 10 links an alert to its panel by these.
      __dashboardUid__: dashboard.uid,
      __panelId__: String(panelId),
    },
    data: [
      query("A", rule, measured(rule)),
      query("B", rule, `SELECT ${thresholdExpression(rule, defaults)} AS threshold`),
      {
        refId: "C",
        datasourceUid: "__expr__",
        model: { refId: "C", type: "math", expression: "$A > $B", datasource: EXPRESSION },
      },
    ],
  };
}

/** A row a scope: its names, which become labels, and one number. */
function measured(rule: AlertRule): string {
  const columns = [...rule.scopeColumns, "value"].join(", ");
  return `SELECT ${columns}
FROM (
${ruleQuery(rule)}
) AS measured
WHERE samples >= ${rule.minimumSamples}`;
}

function query(refId: string, rule: AlertRule, rawSql: string): object {
  return {
    refId,
    datasourceUid: DATASOURCE_UID,
    relativeTimeRange: { from: rule.windowSeconds + UNSETTLED_SECONDS, to: UNSETTLED_SECONDS },
    model: {
      refId,
      datasource: { type: "mysql", uid: DATASOURCE_UID },
      format: "table",
      rawQuery: true,
      editorMode: "code",
      rawSql,
      intervalMs: 60_000,
      maxDataPoints: 1000,
    },
  };
}

function description(rule: AlertRule): string {
  const names = rule.scopeColumns.map((column) => `{{ with .Labels.${column} }}{{ . }} {{ end }}`).join("");
  const where = names === "" ? "" : `${names}- `;
  return `${where}${withUnit("A", rule.unit)}, above ${withUnit("B", rule.unit)}. ${rule.summary} What to do: docs/runbook.md#${rule.id}`;
}

/** A value as people read it, by functions that every Grafana has for templates. */
function withUnit(refId: string, unit: AlertRule["unit"]): string {
  if (unit === "1") return `{{ humanizePercentage .Values.${refId}.Value }}`;
  const names: Readonly<Record<string, string>> = { "{currency}/h": " an hour", "{participant}": "" };
  return `{{ printf "%.4g" .Values.${refId}.Value }}${names[unit] ?? ` ${unit}`}`;
}
