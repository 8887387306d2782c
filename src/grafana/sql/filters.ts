/** What is common to the queries of panels: which rows they read, and how time is cut into steps. */

/** The choices of the variables that a panel follows. */
export type Choice = "service" | "environment" | "route" | "meeting";

const CHOICES: Readonly<Record<Choice, string>> = {
  service: "service IN ($service)",
  environment: "environment IN ($environment)",
  route: "route IN ($route)",
  meeting: "meeting_id IN ($meeting)",
};

/** What rows a panel reads. */
export interface Scope {
  readonly protocol: "http" | "webrtc";
  /** `server`: what panels show unless they say otherwise. */
  readonly side?: "server";
  readonly choices: readonly Choice[];
}

/** The rollup rows of the time range's table with their series: what begins with `SELECT $read_order`. */
export const ROLLUP_ROWS = "metrics_$granularity JOIN series USING (series_id, protocol)";

/** The conditions of a scope, but for time. */
export function scopeConditions({ protocol, side, choices }: Scope): string {
  const conditions = [`protocol = '${protocol}'`];
  if (side !== undefined) conditions.push(`side = '${side}'`);
  for (const choice of choices) conditions.push(CHOICES[choice]);
  return conditions.join(" AND ");
}

/** The buckets that begin in the time range. */
export const IN_RANGE = "$__unixEpochFilter(bucket_start)";

/** The buckets of all steps that the time range touches: its first step is whole. */
export function inSteps(step: string): string {
  return `bucket_start BETWEEN $__unixEpochFrom() DIV $${step} * $${step} AND $__unixEpochTo()`;
}

/**
 * The start of a bucket's step, epoch seconds; Grafana puts a NULL where a step has no row, so that a chart has a gap there and no
 * line across it.
 */
export function stepStart(step: string): string {
  return `$__unixEpochGroup(bucket_start, \${${step}}s, NULL) AS step_start`;
}

/** One row: `covered_until`, up to when the range has totals, epoch seconds. */
export const COVERED = `(
  SELECT LEAST($__unixEpochTo(), COALESCE(MAX(persisted_at), 0)) AS covered_until FROM ingest_offset
) AS totals`;

/** One row: `covered_seconds`, how much of the range has totals; at least a minute. */
export const COVERED_SECONDS = `(
  SELECT GREATEST(60, LEAST($__unixEpochTo(), COALESCE(MAX(persisted_at), 0))
    - GREATEST($__unixEpochFrom(), (SELECT applied_at FROM schema_migrations WHERE version = 1))) AS covered_seconds
  FROM ingest_offset
) AS totals`;
