/**
 * Alerts as both engines read and bind them: the statements that are the same, and rows turned into values of the port.
 */
import type { AlertProtocol, AlertRule, AlertSeverity } from "../model/alert-rule.ts";
import type { AlertMeasurement, AlertRow, AlertThreshold, AlertTimes, AlertUpdate } from "../model/alert-store.ts";
import type { SqlValue } from "./side-rows.ts";

/** SQL and the values of its question marks. */
export interface BoundSql {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

/** A row as an engine's session reads it. */
type ReadRow = Readonly<Record<string, unknown>>;

/** The columns of `bandwidth_alerts` that are written when an alert starts, in the order of {@link startedValues}. */
export const STARTED_COLUMNS: readonly string[] = [
  "rule",
  "scope",
  "started_at",
  "protocol",
  "severity",
  "value",
  "threshold",
];

/** The columns of `alert_thresholds`, in the order of {@link thresholdValues}; the first is the key. */
export const THRESHOLD_COLUMNS: readonly string[] = [
  "rule",
  "threshold",
  "protocol",
  "severity",
  "window_seconds",
  "minimum_samples",
  "updated_at",
];

const ALERT_COLUMNS = [...STARTED_COLUMNS, "resolved_at"].join(", ");

/** Reads open alerts. */
export function openAlertsSql(limit: number): string {
  return `SELECT ${ALERT_COLUMNS} FROM bandwidth_alerts WHERE resolved_at IS NULL
    ORDER BY started_at, rule, scope LIMIT ${Math.trunc(limit)}`;
}

/** Reads alerts resolved at or after a time. */
export function resolvedAlertsSql(limit: number): string {
  return `SELECT ${ALERT_COLUMNS} FROM bandwidth_alerts WHERE resolved_at >= ?
    ORDER BY resolved_at DESC, started_at DESC, rule, scope LIMIT ${Math.trunc(limit)}`;
}

/** The query of a rule for scopes with enough samples, with whole numbers bound to its times. */
export function measurementSql(
  { sql, minimumSamples }: AlertRule,
  engine: "mysql" | "sqlite",
  times: AlertTimes,
  limit: number,
): BoundSql {
  const values: bigint[] = [];
  const bound = sql[engine].replaceAll(/:(from|to|now)\b/g, (_, name: keyof AlertTimes) => {
    values.push(BigInt(Math.trunc(times[name])));
    return "?";
  });
  return {
    sql: `SELECT * FROM (${bound}) AS measured WHERE samples >= ${minimumSamples}
      ORDER BY value DESC LIMIT ${Math.trunc(limit)}`,
    values,
  };
}

/** A measurement from a row of {@link measurementSql}. */
export function measurementOf(row: ReadRow, { scopeColumns }: AlertRule): AlertMeasurement {
  return {
    scopeValues: scopeColumns.map((column) => String(row[column])),
    value: Number(row["value"]),
    samples: Number(row["samples"]),
  };
}

/** An alert from a row of `bandwidth_alerts`. */
export function alertRowOf(row: ReadRow): AlertRow {
  const resolvedAt = row["resolved_at"];
  return {
    rule: String(row["rule"]),
    scope: String(row["scope"]),
    startedAt: Number(row["started_at"]),
    protocol: String(row["protocol"]) as AlertProtocol,
    severity: String(row["severity"]) as AlertSeverity,
    value: Number(row["value"]),
    threshold: Number(row["threshold"]),
    resolvedAt: resolvedAt === null || resolvedAt === undefined ? null : Number(resolvedAt),
  };
}

/** The values of {@link STARTED_COLUMNS}. */
export function startedValues(row: AlertRow): readonly SqlValue[] {
  return [row.rule, row.scope, row.startedAt, row.protocol, row.severity, row.value, row.threshold];
}

/** `rule`, `scope`, `started_at`, `value` and `resolved_at` of an update; 0 stands for an alert that stays open. */
export function updateValues({ rule, scope, startedAt, value, resolvedAt }: AlertUpdate): readonly SqlValue[] {
  return [rule, scope, startedAt, value, resolvedAt ?? 0];
}

/** The values of {@link THRESHOLD_COLUMNS}. */
export function thresholdValues(row: AlertThreshold, nowSeconds: number): readonly SqlValue[] {
  const { rule, threshold, protocol, severity, windowSeconds, minimumSamples } = row;
  return [rule, threshold, protocol, severity, windowSeconds, minimumSamples, nowSeconds];
}
