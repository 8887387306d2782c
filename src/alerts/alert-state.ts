/**
 * The state machine of one rule and scope: pending, firing, resolved. Pure; the evaluator feeds it one reading after another.
 */
import type { AlertRule } from "../model/alert-rule.ts";

/** Where an alert stands. There is none while nothing is wrong. */
export interface AlertState {
  /** When it was first found broken, monotonic milliseconds. */
  readonly brokenSinceMillis: number;
  /** The worst value since then. */
  readonly worst: number;
  /** What it was compared to when it was first found broken. */
  readonly threshold: number;
  /** When it fired, epoch seconds; undefined while it is pending. */
  readonly startedAt: number | undefined;
  /** Whether its row is in the table. */
  readonly stored: boolean;
  /** Since when it has been well, or nothing was heard of it, monotonic milliseconds. */
  readonly calmSinceMillis: number | undefined;
}

/** A time as an evaluation sees it. */
export interface EvaluationTime {
  /** Epoch seconds. */
  readonly seconds: number;
  readonly monotonicMillis: number;
}

/** What comes of a reading. `resolved` tells that a firing alert is over; its last state is `state`. */
export interface AlertStep {
  readonly state: AlertState | undefined;
  readonly resolved: boolean;
}

const NOTHING: AlertStep = { state: undefined, resolved: false };

/** The state after a reading: a value, or undefined when there were too few samples. */
export function nextAlertState(
  rule: AlertRule,
  threshold: number,
  state: AlertState | undefined,
  reading: number | undefined,
  now: EvaluationTime,
): AlertStep {
  if (reading !== undefined && reading > threshold) {
    return { state: broken(rule, threshold, state, reading, now), resolved: false };
  }
  // What nobody was told of has no end either.
  if (state?.startedAt === undefined || !state.stored) return NOTHING;
  if (reading !== undefined && reading > threshold * rule.recoveryShare) {
    return { state: { ...state, calmSinceMillis: undefined }, resolved: false };
  }
  const calmSinceMillis = state.calmSinceMillis ?? now.monotonicMillis;
  const neededSeconds = reading === undefined ? rule.noSamplesSeconds : rule.recoverySeconds;
  const resolved = now.monotonicMillis - calmSinceMillis >= neededSeconds * 1000;
  return { state: { ...state, calmSinceMillis }, resolved };
}

function broken(
  { forSeconds }: AlertRule,
  threshold: number,
  state: AlertState | undefined,
  value: number,
  now: EvaluationTime,
): AlertState {
  const seen = state ?? {
    brokenSinceMillis: now.monotonicMillis,
    worst: value,
    threshold,
    startedAt: undefined,
    stored: false,
  };
  const fires = now.monotonicMillis - seen.brokenSinceMillis >= forSeconds * 1000;
  return {
    ...seen,
    worst: Math.max(seen.worst, value),
    startedAt: seen.startedAt ?? (fires ? now.seconds : undefined),
    calmSinceMillis: undefined,
  };
}
