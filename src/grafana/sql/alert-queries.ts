/** Queries of alerts: what each rule measures now, against its threshold, and what fired. */
import { type AlertRule, type AlertSettings, withAlertTimes } from "../../model/alert-rule.ts";
import { thresholdExpression } from "../threshold.ts";

/** Rules look no closer to now than this: a minute that is over may not be persisted yet. */
export const UNSETTLED_SECONDS = 60;

/** How many alerts of the past a table lists. */
const LISTED_ALERTS = 200;

/** A rule's query for the range that Grafana gives it, in whole minutes. */
export function ruleQuery(rule: AlertRule): string {
  return withAlertTimes(rule.sql.mysql, {
    from: "($__unixEpochFrom() DIV 60 * 60)",
    to: "($__unixEpochTo() DIV 60 * 60)",
    now: "UNIX_TIMESTAMP()",
  });
}

/** A rule's scope as one text. */
function scopeText(rule: AlertRule): string {
  if (rule.scopeColumns.length === 0) return "'everything'";
  return `CONCAT_WS(' / ', ${rule.scopeColumns.map((column) => `NULLIF(${column}, '')`).join(", ")})`;
}

/** A value with its unit, as text: rows of one table have different units. */
function withUnit(unit: string, value: string): string {
  switch (unit) {
    case "1":
      return `CONCAT(CAST(100 * ${value} AS DECIMAL(20, 1)), ' %')`;
    case "ms":
    case "s":
      return `CONCAT(CAST(${value} AS DECIMAL(20, 0)), ' ${unit}')`;
    case "{currency}/h":
      return `CONCAT(CAST(${value} AS DECIMAL(20, 2)), ' an hour')`;
    default:
      return `CAST(CAST(${value} AS DECIMAL(20, 1)) AS CHAR)`;
  }
}

/** Every rule and scope of the last minutes: value, threshold, and the one by the other. */
export function valuesAgainstThresholds(rules: readonly AlertRule[], defaults: AlertSettings): string {
  const parts = rules.map((rule) => {
    const sql = withAlertTimes(rule.sql.mysql, {
      from: `(UNIX_TIMESTAMP() DIV 60 * 60 - ${UNSETTLED_SECONDS + rule.windowSeconds})`,
      to: `(UNIX_TIMESTAMP() DIV 60 * 60 - ${UNSETTLED_SECONDS})`,
      now: "UNIX_TIMESTAMP()",
    });
    const threshold = thresholdExpression(rule, defaults);
    return `SELECT '${rule.title}' AS rule, '${rule.severity}' AS severity, ${scopeText(rule)} AS scope,
  ${withUnit(rule.unit, "value")} AS shown, ${withUnit(rule.unit, threshold)} AS allowed,
  CASE WHEN samples >= ${rule.minimumSamples} THEN value / NULLIF(${threshold}, 0) END AS used,
  CASE WHEN samples < ${rule.minimumSamples} THEN 'too few samples' WHEN value > ${threshold} THEN 'broken' ELSE 'kept' END AS state
FROM (
${sql}
) AS measured`;
  });
  return `SELECT state AS "State", rule AS "Rule", severity AS "Severity", scope AS "Scope", shown AS "Value", allowed AS "Threshold",
  used AS "Of threshold"
FROM (
${parts.join("\nUNION ALL\n")}
) AS measured
ORDER BY state = 'broken' DESC, used DESC, rule, scope`;
}

/** Alerts that fire now. */
export const FIRING = "SELECT COUNT(*) AS firing FROM bandwidth_alerts WHERE resolved_at IS NULL";

/** Alerts of a severity that fire now. */
export const firingOf = (severity: AlertRule["severity"]): string => `${FIRING} AND severity = '${severity}'`;

/** Alerts that were firing in the time range, the newest first. */
export function alertHistory(rules: readonly AlertRule[]): string {
  const byRule = (text: (rule: AlertRule) => string, otherwise: string): string =>
    `CASE rule ${rules.map((rule) => `WHEN '${rule.id}' THEN ${text(rule)}`).join(" ")} ELSE ${otherwise} END`;
  const inUnit = (column: string): string => byRule(({ unit }) => withUnit(unit, column), `CAST(${column} AS CHAR)`);
  return `SELECT CASE WHEN resolved_at IS NULL THEN 'firing' ELSE 'resolved' END AS "State",
  ${byRule(({ title }) => `'${title}'`, "rule")} AS "Rule",
  severity AS "Severity", CASE WHEN scope IN ('', 'all') THEN 'everything' ELSE scope END AS "Scope",
  ${inUnit("value")} AS "Worst value",
  ${inUnit("threshold")} AS "Threshold",
  started_at * 1000 AS "Started", resolved_at * 1000 AS "Resolved",
  COALESCE(resolved_at, UNIX_TIMESTAMP()) - started_at AS "Lasted"
FROM bandwidth_alerts
WHERE started_at <= $__unixEpochTo() AND COALESCE(resolved_at, $__unixEpochTo()) >= $__unixEpochFrom()
ORDER BY started_at DESC, rule, scope
LIMIT ${LISTED_ALERTS}`;
}
