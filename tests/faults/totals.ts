/** Totals as the harness compares them, whichever side they come from: amounts by row and column, exact. */

/** The tables of totals, and the length of their buckets, seconds. */
export const TABLES = { metrics_minute: 60, metrics_hourly: 3600, metrics_daily: 86_400 } as const;

/** The bucket in the name of a row where senders cannot know it: the receiver sets the time of what pages send. */
export const SOME_BUCKET = "some";

/** Amounts by column. */
export type RowTotals = Map<string, bigint>;

/** Rows by `table|bucket start|series`. */
export class Totals {
  readonly rows: Map<string, RowTotals> = new Map();

  /** Adds to a column of a row. */
  add(row: string, column: string, amount: bigint): void {
    if (amount === 0n) return;
    let columns = this.rows.get(row);
    if (columns === undefined) {
      columns = new Map();
      this.rows.set(row, columns);
    }
    columns.set(column, (columns.get(column) ?? 0n) + amount);
  }
}

/** A figure that is not what it must be. */
export interface Difference {
  readonly row: string;
  readonly column: string;
  readonly acknowledged: bigint;
  readonly stored: bigint;
}

/** What came of a comparison. Sums are over one table, the one in which they are largest, so that nothing counts thrice. */
export interface Verdict {
  readonly acknowledged: bigint;
  readonly stored: bigint;
  readonly lost: bigint;
  readonly doubled: bigint;
  readonly differences: readonly Difference[];
}

/** Compares every row and column. What is missing somewhere is not made up for by what is too much elsewhere. */
export function compareTotals(acknowledgedRows: Totals, storedRows: Totals, overAllBuckets: boolean): Verdict {
  const acknowledged = overAllBuckets ? withoutBuckets(acknowledgedRows) : acknowledgedRows;
  const stored = overAllBuckets ? withoutBuckets(storedRows) : storedRows;
  const differences: Difference[] = [];
  const sums = new Map<string, Record<"acknowledged" | "stored" | "lost" | "doubled", bigint>>();
  for (const row of new Set([...acknowledged.rows.keys(), ...stored.rows.keys()])) {
    const table = row.slice(0, row.indexOf("|"));
    const sum = sums.get(table) ?? { acknowledged: 0n, stored: 0n, lost: 0n, doubled: 0n };
    sums.set(table, sum);
    const expected = acknowledged.rows.get(row) ?? new Map<string, bigint>();
    const found = stored.rows.get(row) ?? new Map<string, bigint>();
    for (const column of new Set([...expected.keys(), ...found.keys()])) {
      const [want, have] = [expected.get(column) ?? 0n, found.get(column) ?? 0n];
      sum.acknowledged += want;
      sum.stored += have;
      if (have < want) sum.lost += want - have;
      if (have > want) sum.doubled += have - want;
      if (have !== want) differences.push({ row, column, acknowledged: want, stored: have });
    }
  }
  const tables = [...sums.values()];
  const largest = (name: "acknowledged" | "stored" | "lost" | "doubled"): bigint =>
    tables.reduce((most, sum) => (sum[name] > most ? sum[name] : most), 0n);
  return {
    acknowledged: largest("acknowledged"),
    stored: largest("stored"),
    lost: largest("lost"),
    doubled: largest("doubled"),
    differences,
  };
}

function withoutBuckets({ rows }: Totals): Totals {
  const sums = new Totals();
  for (const [row, columns] of rows) {
    const [table, , ...series] = row.split("|");
    for (const [column, amount] of columns) sums.add(`${table}|all|${series.join("|")}`, column, amount);
  }
  return sums;
}
