/** Queries of charts: sums of steps, as rates or shares. A step that has only begun is divided by what has passed of it. */
import type { Threshold } from "../threshold.ts";
import { COVERED, inSteps, ROLLUP_ROWS, type Scope, scopeConditions, stepStart } from "./filters.ts";

/** One line of a chart. */
export interface Line {
  /** Its name in the legend. */
  readonly name: string;
  /** An expression over the sums, by their names, and `seconds`, the length of the step as far as it has passed. */
  readonly value: string;
}

/** A chart's lines over sums of rollup rows. */
export interface StepQuery {
  readonly scope: Scope;
  /** The sums of a step by name: aggregates over rollup rows. */
  readonly sums: Readonly<Record<string, string>>;
  readonly lines: readonly Line[];
  /** Of the alert rule that judges the lines: a line of its own. */
  readonly threshold?: Threshold | undefined;
}

/** The name of the line of the alert threshold. */
export const THRESHOLD_LINE = "Alert threshold";

/** The columns of a chart: its lines, and the threshold's. */
export function chartColumns(lines: readonly Line[], threshold?: Threshold): string {
  const all = threshold === undefined ? lines : [...lines, { name: THRESHOLD_LINE, value: threshold.expression }];
  return all.map(({ name, value }) => `  ${value} AS "${name}"`).join(",\n");
}

/** The query of a chart: a row a step, `time` and a column a line. Steps of which not even a minute is persisted are left out. */
export function stepQuery({ scope, sums, lines, threshold }: StepQuery): string {
  const inner = Object.entries(sums).map(([name, sum]) => `    ${sum} AS ${name}`);
  return `SELECT step_start AS "time",
${chartColumns(lines, threshold)}
FROM (
  SELECT steps.*, LEAST($step, covered_until - step_start) AS seconds
  FROM (
  SELECT $read_order ${stepStart("step")},
${inner.join(",\n")}
  FROM ${ROLLUP_ROWS}
  WHERE ${inSteps("step")}
    AND ${scopeConditions(scope)}
  GROUP BY step_start
  ) AS steps
  CROSS JOIN ${COVERED}
) AS passed
WHERE seconds >= 60
ORDER BY step_start`;
}
