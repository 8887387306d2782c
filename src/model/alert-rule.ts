/**
 * The vocabulary of alerts: what a rule is, what it measures and what is stored of it. The table of rules is in `alerts/`.
 */

/** How bad it is; Grafana's label `severity`. */
export type AlertSeverity = "info" | "warning" | "critical";

/** What an alert is about: `bandwidth_alerts.protocol`. */
export type AlertProtocol = "http" | "webrtc" | "receiver";

/** What thresholds are made of: the settings `ALERT_*` and the interval of commits. */
export interface AlertSettings {
  /** `ALERT_HTTP_P95_MILLIS` */
  readonly httpP95Millis: number;
  /** `ALERT_POOR_SHARE`, 0 to 1 */
  readonly poorShare: number;
  /** `ALERT_TURN_COST_PER_HOUR` */
  readonly turnCostPerHour: number;
  /** `ALERT_PACKET_LOSS`, 0 to 1 */
  readonly packetLoss: number;
  /** `ALERT_ERROR_RATIO`, 0 to 1 */
  readonly errorRatio: number;
  /** `METRICS_PERSIST_INTERVAL`, milliseconds */
  readonly persistIntervalMillis: number;
}

/**
 * A query in each engine's SQL. It has one row a scope, with the rule's scope columns, `value` and `samples`. The times in it are
 * written `:from`, `:to` (epoch seconds, `bucket_start` from `:from` to before `:to`) and `:now`: see {@link withAlertTimes}.
 */
export type AlertSql = Readonly<Record<"mysql" | "sqlite", string>>;

/** One rule: it is broken while `value > threshold` with enough samples. */
export interface AlertRule {
  /** Also the anchor of its section in `docs/runbook.md`. */
  readonly id: string;
  readonly title: string;
  /** What is measured, one sentence. */
  readonly summary: string;
  readonly protocol: AlertProtocol;
  readonly severity: AlertSeverity;
  /** UCUM, as metrics have it: `ms`, `1` (a share), `s`, `{participant}`, `{currency}/h`. */
  readonly unit: string;
  /** How what several databases measured of one scope becomes one value: services and meetings lie in one each. */
  readonly across: "sum" | "worst";
  /** The columns of the query that name a scope; none: everything is one scope. */
  readonly scopeColumns: readonly string[];
  /** The setting of its threshold; `undefined` where the threshold is not a setting of its own. */
  readonly setting: string | undefined;
  readonly threshold: (settings: AlertSettings) => number;
  /** How much of the past is looked at, at least. */
  readonly windowSeconds: number;
  /** With fewer samples than this in the window nothing is said. */
  readonly minimumSamples: number;
  /** What the samples are, for a person. */
  readonly samplesOf: string;
  /** It must be broken for this long before it fires. */
  readonly forSeconds: number;
  /** It recovers at or below this share of its threshold, not before. */
  readonly recoveryShare: number;
  /** It must have recovered for this long before it is resolved. */
  readonly recoverySeconds: number;
  /** It is resolved when there were too few samples for this long. */
  readonly noSamplesSeconds: number;
  /**
   * What is known of it while SQL cannot be asked: `nothing`, or that its value `grows` by one a second. A rule that grows is
   * about the receivers themselves: each evaluates it, whoever owns what.
   */
  readonly unasked: "nothing" | "grows";
  readonly sql: AlertSql;
}

/** Puts SQL expressions or numbers in the place of the times of an {@link AlertSql}. */
export function withAlertTimes(sql: string, times: Readonly<Record<"from" | "to" | "now", string | number>>): string {
  return sql.replaceAll(/:(from|to|now)\b/g, (_, name: "from" | "to" | "now") => String(times[name]));
}
