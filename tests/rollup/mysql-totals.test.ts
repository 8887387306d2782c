/** Adding to a table of totals holds few of its histograms at a time, by the same statements whatever is stored. */
import { describe, expect, it } from "vitest";
import type { MysqlRow, MysqlSession } from "../../src/rollup/mysql-session.ts";
import { addMysqlTotals } from "../../src/rollup/mysql-totals.ts";
import type { SqlValue } from "../../src/rollup/side-rows.ts";
import { ROLLUP_TABLES, type TotalsIncrement } from "../../src/rollup/totals-table.ts";
import { TEST_DAY, rollupValues } from "../support/shard-commits.ts";

const TABLE = ROLLUP_TABLES[0]!;
const STORED = "[[1,1]]";

/** A server on which every row is there already. */
class EveryRowStored {
  /** Rows that were read, or written (negative), one statement after the other. */
  readonly statements: number[] = [];
  /** Keys as they were written. */
  readonly written: string[] = [];
  readonly histograms = new Set<string>();

  async rows(_sql: string, [, ...ids]: readonly SqlValue[]): Promise<readonly MysqlRow[]> {
    this.statements.push(ids.length);
    return [...new Set(ids)].map((id) => ({ id: String(id), latency_histogram: STORED }));
  }

  async run(sql: string, values: readonly SqlValue[]): Promise<number> {
    const [names = ""] = /\(([^)]*)\)/.exec(sql)?.slice(1) ?? [];
    const width = names.split(",").length;
    this.statements.push(-values.length / width);
    for (let at = 0; at < values.length; at += width) {
      this.written.push(`${String(values[at])} ${String(values[at + 1])}`);
      this.histograms.add(String(values[at + width - 1]));
    }
    return values.length / width;
  }
}

async function statementsFor(series: number, buckets: number): Promise<EveryRowStored> {
  const server = new EveryRowStored();
  const increments = Array.from({ length: series * buckets }, (_, at): TotalsIncrement => {
    const bucketStart = TEST_DAY + 60 * (at % buckets);
    const values = rollupValues({ bytes_in: 1 });
    return { id: BigInt(Math.floor(at / buckets)), bucketStart, labels: ["http"], values, latency: new Map([[1, 1]]) };
  });
  await addMysqlTotals(server as unknown as MysqlSession, { table: TABLE, increments });
  return server;
}

describe("adding to a table of totals", () => {
  it("reads the histograms of the rows that are written next, not those of the whole table", async () => {
    const { statements, histograms } = await statementsFor(2500, 1);
    expect(statements).toEqual([500, 500, -1000, 500, 500, -1000, 500, -512]);
    expect([...histograms]).toEqual(["[[1,2]]"]);
  });

  it("sends no more statements for several buckets than for as many rows of one", async () => {
    const { statements, histograms } = await statementsFor(2000, 3);
    expect(statements).toHaveLength(12 + 6);
    expect(statements.slice(0, 9)).toEqual([500, 500, 500, 500, 500, 500, -1000, -1000, -1000]);
    expect([...histograms]).toEqual(["[[1,2]]"]);
  });

  it("writes rows in the order of their keys", async () => {
    const { written } = await statementsFor(1500, 2);
    const keys = Array.from({ length: 3000 }, (_, at) => `${Math.floor(at / 2)} ${TEST_DAY + 60 * (at % 2)}`);
    expect(written).toEqual(keys);
  });
});
