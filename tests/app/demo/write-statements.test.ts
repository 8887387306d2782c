import { expect, it } from "vitest";
import { WriteStatements } from "../../../src/app/demo/write-statements.ts";

it("tells the writes of the busiest minute from those of the run and of the last commit", () => {
  let writes = 3;
  let nowMillis = 0;
  const statements = new WriteStatements(
    () => writes,
    () => nowMillis,
  );
  statements.sample();
  for (const added of [0, 9, 0, 7]) {
    nowMillis += 30_000;
    writes += added;
    statements.sample();
  }
  statements.end();
  writes += 8;
  expect(statements.summary()).toBe(
    "write statements to SQL: at most 9 in any minute while running; 24 in all, in 120 s, of them 8 by the commit at the end",
  );
});
