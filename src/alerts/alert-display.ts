/**
 * What is shown of alerts, read from the table: every receiver shows the same, whoever evaluates. Tells when it changes.
 */
import type { AlertRow, AlertStore } from "../model/alert-store.ts";
import type { LiveAlert } from "../model/live-alert.ts";
import { success, type Result } from "../model/result.ts";
import {
  alertsChange,
  alertView,
  MAX_FIRING_SHOWN,
  MAX_RESOLVED_SHOWN,
  RESOLVED_SHOWN_SECONDS,
  type AlertsChange,
} from "./alert-view.ts";

/** What the display works with. */
export interface AlertDisplayOptions {
  readonly store: AlertStore;
  readonly alertsChanged: (change: AlertsChange) => void;
}

/** Holds the view. */
export class AlertDisplay {
  readonly #options: AlertDisplayOptions;
  #view: readonly LiveAlert[] = [];
  #isKnown = false;

  constructor(options: AlertDisplayOptions) {
    this.#options = options;
  }

  /** What fires, and what was resolved lately. */
  get alerts(): readonly LiveAlert[] {
    return this.#view;
  }

  /** Whether the table was read at all. */
  get isKnown(): boolean {
    return this.#isKnown;
  }

  /**
   * Reads the table; `unstored` fire and are not in it yet. While SQL is out of reach what was shown stays, with them. Not a
   * success when the table could not be read.
   */
  async look(unstored: readonly AlertRow[], nowSeconds: number): Promise<Result<void>> {
    const { store } = this.#options;
    const open = await store.open(MAX_FIRING_SHOWN);
    if (open.kind !== "success") return this.#keep(unstored, open);
    const resolved = await store.resolved(nowSeconds - RESOLVED_SHOWN_SECONDS, MAX_RESOLVED_SHOWN);
    if (resolved.kind !== "success") return this.#keep(unstored, resolved);
    const missing = unstored.filter((row) => !open.value.some((stored) => isSame(stored, row)));
    // What an earlier process has told of is not news.
    this.#show(alertView([...missing, ...open.value], resolved.value), this.#isKnown);
    this.#isKnown = true;
    return success(undefined);
  }

  #keep(unstored: readonly AlertRow[], fault: Result<never>): Result<void> {
    const kept = this.#view.filter((alert) => alert.state !== "firing" || !unstored.some((row) => isSame(alert, row)));
    this.#show([...alertView(unstored, []), ...kept], true);
    return fault;
  }

  #show(alerts: readonly LiveAlert[], isNews: boolean): void {
    const change = alertsChange(this.#view, alerts);
    this.#view = alerts;
    if (change && isNews) this.#options.alertsChanged(change);
  }
}

function isSame(left: { rule: string; scope: string }, right: { rule: string; scope: string }): boolean {
  return left.rule === right.rule && left.scope === right.scope;
}
