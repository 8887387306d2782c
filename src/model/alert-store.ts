/**
 * The port for alerts in SQL: what rules measure, and the rows of `bandwidth_alerts` and `alert_thresholds`. Implemented in
 * `rollup/` beside the totals. No method throws for an operating fault: all answer retryable `unavailable`.
 */
import type { AlertProtocol, AlertRule, AlertSeverity } from "./alert-rule.ts";
import type { Result } from "./result.ts";

/** The times of a measurement, epoch seconds; the window ends before `to`. */
export interface AlertTimes {
  readonly from: number;
  readonly to: number;
  readonly now: number;
}

/** What a rule measured of one scope. */
export interface AlertMeasurement {
  /** A value for each of the rule's scope columns. */
  readonly scopeValues: readonly string[];
  readonly value: number;
  readonly samples: number;
}

/** What names an alert: a rule has at most one open alert of a scope. */
export interface AlertKey {
  /** Id of the rule, at most 64 characters. */
  readonly rule: string;
  /** Who it is about, as `column=value` pairs, or `all`; at most 512 characters. */
  readonly scope: string;
  /** When it fired, epoch seconds. */
  readonly startedAt: number;
}

/** A row of `bandwidth_alerts`. */
export interface AlertRow extends AlertKey {
  /** `http`, `webrtc` or `receiver`. */
  readonly protocol: AlertProtocol;
  /** `info`, `warning` or `critical`. */
  readonly severity: AlertSeverity;
  /** The worst value since it started, in the rule's unit. */
  readonly value: number;
  /** What the value was compared to when it started. */
  readonly threshold: number;
  /** When it was resolved, epoch seconds; NULL while it fires. */
  readonly resolvedAt: number | null;
}

/** A later state of an open alert. */
export interface AlertUpdate extends AlertKey {
  readonly value: number;
  readonly resolvedAt: number | null;
}

/** What one evaluation changes. */
export interface AlertChanges {
  readonly started: readonly AlertRow[];
  readonly updated: readonly AlertUpdate[];
}

/** A row of `alert_thresholds`. */
export interface AlertThreshold {
  /** Id of the rule. */
  readonly rule: string;
  /** The rule is broken above it. */
  readonly threshold: number;
  /** `http`, `webrtc` or `receiver`. */
  readonly protocol: AlertProtocol;
  /** `info`, `warning` or `critical`. */
  readonly severity: AlertSeverity;
  /** How much of the past is looked at. */
  readonly windowSeconds: number;
  /** With fewer samples nothing is said. */
  readonly minimumSamples: number;
}

/** Alerts in SQL. */
export interface AlertStore {
  /** What a rule measures of each scope that has its minimum of samples: the highest values first, at most `limit`. */
  measure(rule: AlertRule, times: AlertTimes, limit: number): Promise<Result<readonly AlertMeasurement[]>>;
  /** Open alerts, oldest first, at most `limit`. */
  open(limit: number): Promise<Result<readonly AlertRow[]>>;
  /** Alerts resolved at or after a time (epoch seconds), newest first, at most `limit`. */
  resolved(resolvedAtOrAfter: number, limit: number): Promise<Result<readonly AlertRow[]>>;
  /**
   * Writes everything or nothing. An alert whose rule and scope have an open one is not started again, and one that is resolved
   * is not changed any more, so that two receivers that evaluate at once leave one alert.
   */
  change(changes: AlertChanges): Promise<Result<void>>;
  /** Makes these the rows of `alert_thresholds`; other rules' rows go. */
  writeThresholds(thresholds: readonly AlertThreshold[], nowSeconds: number): Promise<Result<void>>;
}
