/** The harness fails when it should: what exactness rests on is taken out of a receiver, piece by piece. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { replaceSource, type SourceChange } from "./child-modules.ts";
import { FAULTS, SHORT } from "./matrix.ts";
import type { Fault } from "./run-cycle.ts";
import { runFault } from "./run-fault.ts";
import { Servers, ServerStores } from "./stores.ts";

interface Sabotage {
  readonly title: string;
  /** A row of the matrix by its name, or a fault of its own where every row waits for the answer that is taken out. */
  readonly fault: string | Fault;
  readonly backend: "servers" | "embedded";
  readonly change: SourceChange;
  readonly reported: "lost" | "doubled";
}

/** No append succeeds for a while, and senders are answered all the same: only what is stored can tell. */
const NOTHING_TAKEN: Fault = {
  name: "a log that takes nothing",
  backends: ["servers"],
  async inject({ stores, load, size }) {
    if (!(stores instanceof ServerStores)) throw new Error("this needs servers");
    await stores.withRedis(async (redis) => {
      await redis.config("SET", "maxmemory", "1");
      try {
        await load.acknowledges(size.batches);
      } finally {
        await redis.config("SET", "maxmemory", "0");
      }
    });
  },
};

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
    fault: NOTHING_TAKEN,
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

  for (const { title, fault, backend, change, reported } of SABOTAGES) {
    it(`${reported}, when ${title}`, { timeout: 120_000 }, async () => {
      const outcome = await runFault(sabotaged(fault, change), backend, servers, 1, SHORT);
      expect(outcome[reported]).toBeGreaterThan(0n);
      expect(outcome.differences).not.toEqual([]);
    });
  }
});

function sabotaged(row: string | Fault, change: SourceChange): Fault {
  const fault = typeof row === "string" ? rowNamed(row) : row;
  return { ...fault, imports: (...about) => [...(fault.imports?.(...about) ?? []), replaceSource(change)] };
}

function rowNamed(name: string): Fault {
  const fault = FAULTS.find((row) => row.name === name);
  if (fault === undefined) throw new Error(`there is no fault ${name}`);
  return fault;
}
