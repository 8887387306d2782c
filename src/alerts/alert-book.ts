/**
 * Every alert that is pending or firing. The table of alerts is the truth about what fires: the book is brought in line with it
 * before each evaluation, so that a restart, a take-over or a second receiver changes nothing.
 */
import type { AlertRule } from "../model/alert-rule.ts";
import type { AlertChanges, AlertRow, AlertUpdate } from "../model/alert-store.ts";
import { nextAlertState, type AlertState, type EvaluationTime } from "./alert-state.ts";

interface Entry {
  readonly rule: AlertRule;
  readonly scope: string;
  state: AlertState;
}

/** Keeps the states of one receiver. */
export class AlertBook {
  readonly #rules: ReadonlyMap<string, AlertRule>;
  readonly #entries = new Map<string, Entry>();
  #starting: readonly Entry[] = [];
  #updated: AlertUpdate[] = [];

  constructor(rules: readonly AlertRule[]) {
    this.#rules = new Map(rules.map((rule) => [rule.id, rule]));
  }

  /** Begins an evaluation: what an earlier one had for the table was written, or will be found again. */
  begin(): void {
    this.#starting = [];
    this.#updated = [];
  }

  /** Takes over what the table says is open; what another receiver has resolved meanwhile is gone. */
  align(open: readonly AlertRow[], now: EvaluationTime): void {
    const stored = new Map(open.map((row) => [keyOf(row.rule, row.scope), row]));
    for (const [key, { state }] of this.#entries) {
      if (state.stored && !stored.has(key)) this.#entries.delete(key);
    }
    for (const [key, row] of stored) this.#adopt(key, row, now);
  }

  #adopt(key: string, row: AlertRow, now: EvaluationTime): void {
    const rule = this.#rules.get(row.rule);
    if (rule === undefined) {
      // A rule that this version does not have: nobody else would ever end it.
      this.#updated.push({ ...keyPartsOf(row), value: row.value, resolvedAt: now.seconds });
      return;
    }
    const known = this.#entries.get(key)?.state;
    const state: AlertState = {
      brokenSinceMillis: known?.brokenSinceMillis ?? now.monotonicMillis,
      calmSinceMillis: known?.startedAt === row.startedAt ? known.calmSinceMillis : undefined,
      worst: row.value,
      threshold: row.threshold,
      startedAt: row.startedAt,
      stored: true,
    };
    this.#entries.set(key, { rule, scope: row.scope, state });
  }

  /** Feeds the readings of one rule by scope. Scopes that are not in it had too few samples. */
  read(rule: AlertRule, threshold: number, readings: ReadonlyMap<string, number>, now: EvaluationTime): void {
    const silent = [...this.#entries.values()].filter(
      (entry) => entry.rule.id === rule.id && !readings.has(entry.scope),
    );
    for (const [scope, reading] of readings) this.#step(rule, threshold, scope, reading, now);
    for (const { scope } of silent) this.#step(rule, threshold, scope, undefined, now);
  }

  #step(rule: AlertRule, threshold: number, scope: string, reading: number | undefined, now: EvaluationTime): void {
    const key = keyOf(rule.id, scope);
    const before = this.#entries.get(key)?.state;
    const { state, resolved } = nextAlertState(rule, threshold, before, reading, now);
    if (state === undefined || resolved) this.#entries.delete(key);
    else this.#entries.set(key, { rule, scope, state });
    if (state?.startedAt === undefined || !state.stored || (!resolved && state.worst === before?.worst)) return;
    const resolvedAt = resolved ? now.seconds : null;
    this.#updated.push({ rule: rule.id, scope, startedAt: state.startedAt, value: state.worst, resolvedAt });
  }

  /** What the table has to learn of this evaluation; `room` limits how many alerts start. */
  changes(room: number): AlertChanges {
    this.#starting = this.#unstored().slice(0, Math.max(0, room));
    return { started: this.#starting.map((entry) => rowOf(entry)), updated: this.#updated };
  }

  /** The changes are in the table. */
  stored(): void {
    for (const entry of this.#starting) entry.state = { ...entry.state, stored: true };
    this.begin();
  }

  /** Alerts that fire and are not in the table yet. */
  unstored(): readonly AlertRow[] {
    return this.#unstored().map((entry) => rowOf(entry));
  }

  #unstored(): readonly Entry[] {
    return [...this.#entries.values()].filter(({ state }) => state.startedAt !== undefined && !state.stored);
  }

  /** Forgets all but the alerts of rules that `keeps` says to keep: another receiver evaluates them now. */
  forget(keeps: (rule: AlertRule) => boolean): void {
    for (const [key, { rule }] of this.#entries) if (!keeps(rule)) this.#entries.delete(key);
  }
}

function rowOf({ rule, scope, state }: Entry): AlertRow {
  return {
    rule: rule.id,
    scope,
    startedAt: state.startedAt ?? 0,
    protocol: rule.protocol,
    severity: rule.severity,
    value: state.worst,
    threshold: state.threshold,
    resolvedAt: null,
  };
}

function keyPartsOf({ rule, scope, startedAt }: AlertRow): Pick<AlertRow, "rule" | "scope" | "startedAt"> {
  return { rule, scope, startedAt };
}

function keyOf(rule: string, scope: string): string {
  return `${rule}\n${scope}`;
}
