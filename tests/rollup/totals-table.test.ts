/** A commit writes the columns it adds to, in one of two shapes. */
import { describe, expect, it } from "vitest";
import { ROLLUP_COLUMNS, rollupPosition } from "../../src/model/rollup-columns.ts";
import type { RollupIncrement } from "../../src/model/rollup-store.ts";
import { columnsToWrite, tableIncrements } from "../../src/rollup/totals-table.ts";
import { increment, minuteCommit } from "../support/shard-commits.ts";

function writtenColumns(minute: readonly RollupIncrement[]): readonly string[] {
  const [additions] = tableIncrements(minuteCommit("0-0", "1-0", [], minute), () => "http");
  if (additions === undefined) throw new Error("the commit adds nothing");
  return columnsToWrite(additions.table, additions.increments).map(({ name }) => name);
}

const everyColumn = ROLLUP_COLUMNS.map(({ name }) => name);
const http = increment("/a", { latency_count: 1, bytes_in: 2, latency_sum_seconds: 0.5 });

describe("the columns a commit writes", () => {
  it("are those of HTTP, up to the sum of durations, when it adds to no other", () => {
    const columns = writtenColumns([http, http]);
    expect(columns).toEqual(everyColumn.slice(0, columns.length));
    expect(columns.at(-1)).toBe("latency_sum_seconds");
  });

  it.each(everyColumn.slice(13))("are all of them when one row adds to %s", (name) => {
    expect(writtenColumns([http, increment("/b", { [name]: 1 }), http])).toEqual(everyColumn);
  });

  it("are all of them when one row only carries into a column that HTTP does not have", () => {
    const carried = { ...http, carry: [[rollupPosition("relay_bytes"), 1]] as const };
    expect(writtenColumns([http, carried])).toEqual(everyColumn);
  });
});
