/** Totals as tests compare them: sums over whole tables. */
import { ROLLUP_COLUMNS } from "../../src/model/rollup-columns.ts";
import type { Granularity, RollupReader } from "../../src/model/rollup-store.ts";
import { openSqliteRollupStore } from "../../src/rollup/sqlite-rollup-store.ts";
import { valueOf } from "./log-entries.ts";

/** The sum of every whole column over a table, by name; columns of which it is 0 are left out. */
export async function columnSums(
  reader: RollupReader,
  granularity: Granularity = "minute",
): Promise<Record<string, bigint>> {
  const rows = valueOf(await reader.rows(granularity, 0, Number.MAX_SAFE_INTEGER));
  const sums: Record<string, bigint> = {};
  for (const { name, kind } of ROLLUP_COLUMNS) {
    if (kind === "seconds") continue;
    const sum = rows.reduce((total, { values }) => total + BigInt(values[name]!), 0n);
    if (sum !== 0n) sums[name] = sum;
  }
  return sums;
}

/** The same of an embedded receiver's file, while it runs or after. */
export async function embeddedColumnSums(dataDirectory: string): Promise<Record<string, bigint>> {
  const store = valueOf(openSqliteRollupStore({ file: `${dataDirectory}/bandwidth.db` }));
  try {
    return await columnSums(store);
  } finally {
    await store.close();
  }
}
