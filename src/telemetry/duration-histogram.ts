/**
 * Telemetry, inside: durations in fixed buckets, one set of them for each set of attributes, kept since the start.
 */

/** The attributes of a set. */
export type DurationAttributes = Readonly<Record<string, string>>;

/** Durations with the same attributes. */
export interface DurationSet {
  readonly attributes: DurationAttributes;
  /** By bucket: those not above its boundary; the last has no boundary. */
  readonly counts: number[];
  count: number;
  /** Seconds. */
  sum: number;
}

/** Upper boundaries, seconds: from an append to a local file to a commit that is in trouble. */
export const DURATION_BOUNDARIES: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];

/** Sets beyond which durations go into the one of {@link OVERFLOW}: all that there can be are far fewer. */
const MAX_SETS = 500;
/** https://opentelemetry.io/docs/specs/otel/metrics/sdk/#cardinality-limits */
const OVERFLOW: DurationAttributes = { "otel.metric.overflow": "true" };

/** Adds durations up. */
export class DurationHistogram {
  readonly #sets = new Map<string, DurationSet>();

  /** Records a duration, seconds. */
  record(seconds: number, attributes: DurationAttributes): void {
    const set = this.#set(attributes);
    let bucket = 0;
    while (seconds > DURATION_BOUNDARIES[bucket]!) bucket++;
    set.counts[bucket]!++;
    set.count++;
    set.sum += seconds;
  }

  /** What was recorded; it goes on growing. */
  sets(): readonly DurationSet[] {
    return [...this.#sets.values()];
  }

  #set(attributes: DurationAttributes): DurationSet {
    const key = JSON.stringify(attributes);
    const known = this.#sets.get(key);
    if (known) return known;
    if (this.#sets.size >= MAX_SETS && attributes !== OVERFLOW) return this.#set(OVERFLOW);
    const counts = Array.from({ length: DURATION_BOUNDARIES.length + 1 }, () => 0);
    const made: DurationSet = { attributes, counts, count: 0, sum: 0 };
    this.#sets.set(key, made);
    return made;
  }
}
