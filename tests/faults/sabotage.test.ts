/** The harness fails when it should: what exactness rests on is taken out of a receiver, piece by piece. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { replaceSource, type SourceChange } from "./child-modules.ts";
import { FAULTS, SHORT } from "./matrix.ts";
import type { Fault } from "./run-cycle.ts";
import { runFault } from "./run-fault.ts";
import { Servers } from "./stores.ts";

interface Sabotage {
  readonly title: string;
  readonly fault: string;
  readonly backend: "servers" | "embedded";
  readonly change: SourceChange;
  readonly reported: "lost" | "doubled";
}

const REPEATED = "if (context.repeatedBody || recent.hasPoint(this.#hash.high, this.#hash.low)) {";

const SABOTAGES: readonly Sabotage[] = [
  {
    title: "neither bodies nor points that come again are recognised",
    fault: "duplicates",
    backend: "embedded",
    change: { file: "aggregate/point-fold.ts", from: REPEATED, to: "if (false) {" },
    reported: "doubled",
  },
  {
    title: "points are not recognised in another body",
    fault: "sent again in another batch",
    backend: "embedded",
    change: { file: "aggregate/point-fold.ts", from: REPEATED, to: "if (context.repeatedBody) {" },
    reported: "doubled",
  },
  {
    title: "the ledger is not read back by the next owner",
    fault: "duplicates, around a kill",
    backend: "embedded",
    change: { file: "aggregate/shard-fold.ts", from: "recallLedgerRow(row, this.#recent);", to: "void row;" },
    reported: "doubled",
  },
  {
    title: "a batch that no log took is answered 2xx",
    fault: "Redis out of memory",
    backend: "servers",
    change: {
      file: "receive/intake.ts",
      from: 'return outcomes.find(({ kind }) => kind !== "success") ?? success(undefined);',
      to: "return success(void outcomes);",
    },
    reported: "lost",
  },
  {
    title: "the offset is not compared before it is set",
    fault: "two receivers, one asleep",
    backend: "servers",
    change: { file: "rollup/mysql-commit.ts", from: "return changed === 1;", to: "return changed >= 0;" },
    reported: "doubled",
  },
  {
    title: "a failed transaction is not rolled back",
    fault: "lock wait timeout (1205)",
    backend: "servers",
    change: { file: "rollup/mysql-session.ts", from: "if (!done) await this.#rollback();", to: "" },
    reported: "lost",
  },
];

describe("the harness reports", () => {
  let servers: Servers | undefined;
  beforeAll(async () => {
    servers = await Servers.start();
  });
  afterAll(async () => {
    await servers?.stop();
  });

  for (const { title, fault: name, backend, change, reported } of SABOTAGES) {
    it(`${reported}, when ${title}`, { timeout: 120_000 }, async () => {
      const outcome = await runFault(sabotaged(name, change), backend, servers, 1, SHORT);
      expect(outcome[reported]).toBeGreaterThan(0n);
      expect(outcome.differences).not.toEqual([]);
    });
  }
});

function sabotaged(name: string, change: SourceChange): Fault {
  const fault = FAULTS.find((row) => row.name === name);
  if (fault === undefined) throw new Error(`there is no fault ${name}`);
  return { ...fault, imports: (...about) => [...(fault.imports?.(...about) ?? []), replaceSource(change)] };
}
