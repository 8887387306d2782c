/** Receivers that evaluate alerts over one table, on a clock that tests move. */
import { AlertEvaluator } from "../../src/alerts/alert-evaluator.ts";
import { ALERT_RULES, DEFAULT_ALERT_SETTINGS } from "../../src/alerts/alert-rules.ts";
import type { AlertsChange } from "../../src/alerts/alert-view.ts";
import type { AlertRule } from "../../src/model/alert-rule.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { MemoryAlertStore } from "../support/memory-alert-store.ts";

/** When these worlds begin, epoch seconds. */
export const BEGIN = 1_795_305_600;

/** One receiver's evaluator and what it told. */
export interface AlertReceiver {
  evaluator: AlertEvaluator;
  isOwner: boolean;
  readonly changes: AlertsChange[];
  readonly reports: string[];
}

/** A table, a clock and receivers. */
export class AlertWorld {
  readonly clock: FakeClock = new FakeClock(BEGIN * 1000);
  readonly store: MemoryAlertStore = new MemoryAlertStore();
  readonly receivers: AlertReceiver[] = [];
  readonly #rules: readonly AlertRule[];

  /** The receivers have these rules. */
  constructor(rules: readonly AlertRule[] = ALERT_RULES) {
    this.#rules = rules;
  }

  /** Starts a receiver. */
  async start(isOwner = true): Promise<AlertReceiver> {
    const receiver = { isOwner, changes: [], reports: [] } as unknown as AlertReceiver;
    receiver.evaluator = this.#evaluator(receiver);
    this.receivers.push(receiver);
    await receiver.evaluator.start();
    return receiver;
  }

  /** Ends a receiver as a crash would, and starts it again: it knows nothing but the table. */
  async restart(receiver: AlertReceiver): Promise<void> {
    await receiver.evaluator.stop();
    receiver.evaluator = this.#evaluator(receiver);
    await receiver.evaluator.start();
  }

  /** Moves time, letting every evaluation end before the next begins. */
  async pass(seconds: number): Promise<void> {
    for (let passed = 0; passed < seconds; passed += 5) {
      await this.clock.advance(5000);
      await Promise.all(this.receivers.map(({ evaluator }) => evaluator.idle()));
    }
  }

  /** The rows of the table, `open` or how long they were open in seconds. */
  rows(): readonly string[] {
    return this.store.rows.map(({ rule, scope, startedAt, resolvedAt }) => {
      return `${rule} ${scope} ${resolvedAt === null ? "open" : resolvedAt - startedAt}`;
    });
  }

  #evaluator(receiver: AlertReceiver): AlertEvaluator {
    return new AlertEvaluator({
      rules: this.#rules,
      settings: DEFAULT_ALERT_SETTINGS,
      store: this.store,
      clock: this.clock,
      isOwner: () => receiver.isOwner,
      alertsChanged: (change) => receiver.changes.push(change),
      report: (message) => receiver.reports.push(message),
    });
  }
}
