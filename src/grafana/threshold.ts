/** The thresholds of the alert rules, as panels and Grafana's rules read them: from `alert_thresholds`, where the receiver writes them. */
import type { AlertRule, AlertSettings } from "../model/alert-rule.ts";

/** A rule's threshold. */
export interface Threshold {
  /** An expression of SQL, which has a value also before the receiver has written its own. */
  readonly expression: string;
  /** The threshold of the default settings. */
  readonly fallback: number;
}

/** An expression: the threshold of a rule, or its default before the receiver has written it. */
export function thresholdExpression(rule: AlertRule, defaults: AlertSettings): string {
  return `COALESCE((SELECT threshold FROM alert_thresholds WHERE rule = '${rule.id}'), ${rule.threshold(defaults)})`;
}

/** The threshold of the rule of this id. Throws when no rule has it. */
export function thresholdOf(rules: readonly AlertRule[], defaults: AlertSettings, id: string): Threshold {
  const rule = rules.find((candidate) => candidate.id === id);
  if (rule === undefined) throw new Error(`no alert rule has the id ${id}`);
  return { expression: thresholdExpression(rule, defaults), fallback: rule.threshold(defaults) };
}
