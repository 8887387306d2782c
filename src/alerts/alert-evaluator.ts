/**
 * Evaluates the rules over what is in SQL, once a persist interval, on a timer of its own. The owner of shard 0 evaluates all of
 * them; the others show what it wrote, and watch only over whether anything is written at all.
 */
import type { AlertRule, AlertSettings } from "../model/alert-rule.ts";
import type { AlertMeasurement, AlertRow, AlertStore } from "../model/alert-store.ts";
import type { Clock, Timer } from "../model/clock.ts";
import type { LiveAlert } from "../model/live-alert.ts";
import { messageOf, success, type Result } from "../model/result.ts";
import { AlertBook } from "./alert-book.ts";
import { AlertDisplay } from "./alert-display.ts";
import { scopeText } from "./alert-scope.ts";
import type { EvaluationTime } from "./alert-state.ts";
import { alertTimes, windowSecondsOf } from "./alert-times.ts";
import type { AlertsChange } from "./alert-view.ts";

/** What the evaluator works with. */
export interface AlertEvaluatorOptions {
  readonly rules: readonly AlertRule[];
  readonly settings: AlertSettings;
  readonly store: AlertStore;
  readonly clock: Clock;
  /** Whether this receiver owns shard 0 now. */
  readonly isOwner: () => boolean;
  /** Told at once when alerts change: administrators are to see it. Must not throw. */
  readonly alertsChanged: (change: AlertsChange) => void;
  /** Told of what went wrong and is tried again, one sentence; called once per change, not once per try. */
  readonly report: (message: string) => void;
}

/** The scopes of a rule that are read, those with the highest values first. */
export const MAX_SCOPES_PER_RULE = 500;

/** Alerts open at once; while there are so many, no other starts. */
export const MAX_OPEN_ALERTS = 1000;

/** How often an evaluator looks whether it is time, and at what another receiver wrote. */
const MAX_POLL_MILLIS = 5000;

/** Evaluating more often than this would see the same seconds again. */
const MIN_INTERVAL_MILLIS = 1000;

/** Evaluates the rules and holds what is shown of them. */
export class AlertEvaluator {
  readonly #options: AlertEvaluatorOptions;
  readonly #book: AlertBook;
  readonly #display: AlertDisplay;
  readonly #intervalMillis: number;
  #wasOwner = false;
  #thresholdsWritten = false;
  #dueAtMillis = 0;
  #lastFault: string | undefined;
  /** For rules that grow: the value that was measured last, and when. */
  readonly #lastAsked = new Map<string, { readonly value: number; readonly atMillis: number }>();
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;
  #stopping = false;

  constructor(options: AlertEvaluatorOptions) {
    this.#options = options;
    this.#book = new AlertBook(options.rules);
    this.#display = new AlertDisplay(options);
    this.#intervalMillis = Math.max(MIN_INTERVAL_MILLIS, options.settings.persistIntervalMillis);
  }

  /** Starts to evaluate, first after one interval: what was down until now is given the time to persist. */
  async start(): Promise<void> {
    const { clock, rules } = this.#options;
    const atMillis = clock.monotonicMillis();
    this.#dueAtMillis = atMillis + this.#intervalMillis;
    for (const { id, unasked } of rules) if (unasked === "grows") this.#lastAsked.set(id, { value: 0, atMillis });
    this.#run();
    await this.#running;
  }

  /** Ends evaluating, when what is under way is done. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#timer?.clear();
    await this.idle();
  }

  /** Resolves when no evaluation is under way. */
  async idle(): Promise<void> {
    await this.#running;
  }

  /** What fires, and what was resolved lately. */
  get alerts(): readonly LiveAlert[] {
    return this.#display.alerts;
  }

  #run(): void {
    if (this.#running) return;
    this.#running = this.#tick().finally(() => {
      this.#running = undefined;
      const delayMillis = Math.min(MAX_POLL_MILLIS, this.#intervalMillis);
      if (!this.#stopping) this.#timer = this.#options.clock.after(delayMillis, () => this.#run());
    });
  }

  async #tick(): Promise<void> {
    const { clock, isOwner, report } = this.#options;
    try {
      const now = { seconds: Math.floor(clock.nowMillis() / 1000), monotonicMillis: clock.monotonicMillis() };
      await this.#changeOwner(isOwner(), now);
      const isDue = now.monotonicMillis >= this.#dueAtMillis;
      const done = isDue ? await this.#evaluate(now) : success(undefined);
      // What could not be asked is asked again at the next look, not an interval later.
      if (isDue && done.kind === "success") this.#dueAtMillis = now.monotonicMillis + this.#intervalMillis;
      const isOld = isDue || !this.#wasOwner || !this.#display.isKnown;
      const shown = isOld ? await this.#display.look(this.#book.unstored(), now.seconds) : done;
      this.#note(done.kind === "success" ? shown : done);
    } catch (error) {
      // A fault of ours must not end the process.
      report(`alerts: ${messageOf(error)}`);
    }
  }

  async #changeOwner(isOwner: boolean, now: EvaluationTime): Promise<void> {
    if (this.#wasOwner !== isOwner) {
      this.#thresholdsWritten = false;
      this.#book.forget(isShared);
    }
    this.#wasOwner = isOwner;
    if (!isOwner || this.#thresholdsWritten) return;
    const written = await this.#writeThresholds(now);
    this.#thresholdsWritten = written.kind === "success";
    this.#note(written);
  }

  #writeThresholds({ seconds }: EvaluationTime): Promise<Result<void>> {
    const { rules, settings, store } = this.#options;
    const thresholds = rules.map((rule) => ({
      rule: rule.id,
      threshold: rule.threshold(settings),
      protocol: rule.protocol,
      severity: rule.severity,
      windowSeconds: windowSecondsOf(rule, settings),
      minimumSamples: rule.minimumSamples,
    }));
    return store.writeThresholds(thresholds, seconds);
  }

  /** Not a success when SQL could not be asked or told. */
  async #evaluate(now: EvaluationTime): Promise<Result<void>> {
    const { rules, store } = this.#options;
    this.#book.begin();
    const open = await store.open(MAX_OPEN_ALERTS);
    if (open.kind === "success") this.#book.align(this.#ours(open.value), now);
    let fault: Result<unknown> = open;
    for (const rule of rules.filter((one) => this.#wasOwner || isShared(one))) {
      const measured = fault.kind === "success" ? await this.#measure(rule, now) : fault;
      if (measured.kind === "success") this.#read(rule, readingsOf(rule, measured.value), now);
      else {
        fault = measured;
        this.#growUnasked(rule, now);
      }
    }
    if (fault.kind !== "success") return fault;
    const changes = this.#book.changes(open.kind === "success" ? MAX_OPEN_ALERTS - open.value.length : 0);
    if (changes.started.length + changes.updated.length === 0) return success(undefined);
    const changed = await store.change(changes);
    if (changed.kind === "success") this.#book.stored();
    return changed;
  }

  /** The open alerts that this receiver looks after. */
  #ours(open: readonly AlertRow[]): readonly AlertRow[] {
    if (this.#wasOwner) return open;
    const shared = new Set(this.#options.rules.filter((rule) => isShared(rule)).map(({ id }) => id));
    return open.filter(({ rule }) => shared.has(rule));
  }

  #measure(rule: AlertRule, { seconds }: EvaluationTime): Promise<Result<readonly AlertMeasurement[]>> {
    const { settings, store } = this.#options;
    return store.measure(rule, alertTimes(rule, settings, seconds), MAX_SCOPES_PER_RULE);
  }

  #read(rule: AlertRule, readings: ReadonlyMap<string, number>, now: EvaluationTime): void {
    const [value] = readings.values();
    if (rule.unasked === "grows" && value !== undefined) {
      this.#lastAsked.set(rule.id, { value, atMillis: now.monotonicMillis });
    }
    this.#book.read(rule, rule.threshold(this.#options.settings), readings, now);
  }

  /** What cannot be asked any more grows from where it was: the alert does not depend on what is out of reach. */
  #growUnasked(rule: AlertRule, now: EvaluationTime): void {
    const last = this.#lastAsked.get(rule.id);
    if (last === undefined) return;
    const value = last.value + Math.floor((now.monotonicMillis - last.atMillis) / 1000);
    this.#book.read(rule, rule.threshold(this.#options.settings), new Map([[scopeText([], []), value]]), now);
  }

  #note(result: Result<void>): void {
    const fault = result.kind === "success" ? undefined : result.reason;
    if (fault !== undefined && fault !== this.#lastFault) this.#options.report(`alerts: ${fault}`);
    this.#lastFault = fault;
  }
}

/** Whether every receiver evaluates a rule: it is about whether they work at all. */
function isShared({ unasked }: AlertRule): boolean {
  return unasked === "grows";
}

function readingsOf(rule: AlertRule, measured: readonly AlertMeasurement[]): ReadonlyMap<string, number> {
  return new Map(measured.map(({ scopeValues, value }) => [scopeText(rule.scopeColumns, scopeValues), value]));
}
