/**
 * Which minutes a rule looks at: whole ones, and only those that every shard has had the time to persist.
 */
import type { AlertRule, AlertSettings } from "../model/alert-rule.ts";
import type { AlertTimes } from "../model/alert-store.ts";

const MINUTE_SECONDS = 60;

/** How much of the past a rule looks at, seconds: at least what one commit brings. */
export function windowSecondsOf({ windowSeconds }: AlertRule, { persistIntervalMillis }: AlertSettings): number {
  const persisted = Math.ceil(persistIntervalMillis / 1000 / MINUTE_SECONDS) * MINUTE_SECONDS;
  return Math.max(windowSeconds, persisted);
}

/** The times of an evaluation at `nowSeconds` (epoch): the unfinished minute, and what may not be persisted yet, are left out. */
export function alertTimes(rule: AlertRule, settings: AlertSettings, nowSeconds: number): AlertTimes {
  const settled = nowSeconds - settings.persistIntervalMillis / 1000;
  const to = Math.floor(settled / MINUTE_SECONDS) * MINUTE_SECONDS;
  return { from: to - windowSecondsOf(rule, settings), to, now: Math.floor(nowSeconds) };
}
