/**
 * The alerts as people see them: those that fire and those that were resolved lately, and what changed since they last looked.
 */
import type { AlertRow } from "../model/alert-store.ts";
import type { LiveAlert } from "../model/live-alert.ts";

/** The most firing alerts that are shown. */
export const MAX_FIRING_SHOWN = 100;

/** The most resolved alerts that are shown. */
export const MAX_RESOLVED_SHOWN = 50;

/** How long a resolved alert is shown, seconds. */
export const RESOLVED_SHOWN_SECONDS: number = 24 * 3600;

/** What changed from one view to the next. */
export interface AlertsChange {
  /** Everything that is shown now. */
  readonly alerts: readonly LiveAlert[];
  /** Those that were not firing before. */
  readonly started: readonly LiveAlert[];
  /** Those that were firing before. */
  readonly resolved: readonly LiveAlert[];
}

/** The alerts that are shown: firing ones, newest first, then resolved ones, latest first. */
export function alertView(open: readonly AlertRow[], resolved: readonly AlertRow[]): readonly LiveAlert[] {
  const firing = open.toSorted(
    (a, b) => b.startedAt - a.startedAt || compare(a.rule, b.rule) || compare(a.scope, b.scope),
  );
  return [...firing.slice(0, MAX_FIRING_SHOWN), ...resolved.slice(0, MAX_RESOLVED_SHOWN)].map((row) =>
    liveAlertOf(row),
  );
}

/** How one view differs from the one before it; undefined when it does not. */
export function alertsChange(before: readonly LiveAlert[], alerts: readonly LiveAlert[]): AlertsChange | undefined {
  if (JSON.stringify(before) === JSON.stringify(alerts)) return undefined;
  const firingBefore = new Set(before.filter(({ state }) => state === "firing").map((alert) => keyOf(alert)));
  return {
    alerts,
    started: alerts.filter((alert) => alert.state === "firing" && !firingBefore.has(keyOf(alert))),
    resolved: alerts.filter((alert) => alert.state === "resolved" && firingBefore.has(keyOf(alert))),
  };
}

function liveAlertOf({ rule, severity, scope, value, threshold, startedAt, resolvedAt }: AlertRow): LiveAlert {
  return {
    rule,
    severity,
    scope,
    state: resolvedAt === null ? "firing" : "resolved",
    value,
    threshold,
    startedAt: startedAt * 1000,
    resolvedAt: resolvedAt === null ? null : resolvedAt * 1000,
  };
}

function keyOf({ rule, scope, startedAt }: LiveAlert): string {
  return `${rule}\n${scope}\n${startedAt}`;
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
