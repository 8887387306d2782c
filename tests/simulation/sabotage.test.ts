/** A simulation that cannot fail proves nothing: each promise is broken on purpose here, and must be found within some seeds. */
import { describe, expect, it, vi } from "vitest";
import type { IngestLog } from "../../src/model/ingest-log.ts";
import { failure, success } from "../../src/model/result.ts";
import type { ShardCommit } from "../../src/model/rollup-store.ts";
import type { ShardLayout } from "../../src/model/shard-layout.ts";
import type { World } from "./modelled-ports.ts";
import type { ReceiverPorts } from "./receiver.ts";
import type { Scenario } from "./scenario.ts";
import { type Sabotage, simulate } from "./simulation.ts";

vi.mock(import("node:zlib"), async (original) => {
  const { synchronousGzip } = await import("./synchronous-gzip.ts");
  return synchronousGzip(await original());
});

const amnesia = vi.hoisted(() => ({ isOn: false }));
vi.mock(import("../../src/aggregate/recent-deltas.ts"), async (original) => {
  const { RecentDeltas } = await original();
  class ForgetfulDeltas extends RecentDeltas {
    override hasBody(hash: string): boolean {
      return !amnesia.isOn && super.hasBody(hash);
    }

    override hasPoint(high: number, low: number): boolean {
      return !amnesia.isOn && super.hasPoint(high, low);
    }
  }
  return { RecentDeltas: ForgetfulDeltas };
});

const MOST_SEEDS = 400;

/** What is first found to be broken. */
async function found(
  sabotage: Sabotage,
  { mostSeeds = MOST_SEEDS, scenario = {} }: { mostSeeds?: number; scenario?: Partial<Scenario> } = {},
): Promise<string> {
  for (let seed = 1; seed <= mostSeeds; seed++) {
    const { broken } = await simulate({ seed, sabotage, scenario });
    if (broken !== undefined) return broken;
  }
  return `nothing in ${mostSeeds} seeds`;
}

/** The ports with some of a store's or log's operations replaced. */
function withStore(change: (ports: ReceiverPorts, world: World) => Partial<ReceiverPorts["store"]>): Sabotage {
  return { ports: (ports, world) => ({ ...ports, store: { ...ports.store, ...change(ports, world) } }) };
}

function withLogs(change: (log: IngestLog, world: World) => Partial<IngestLog>): Sabotage {
  return {
    ports: (ports, world) => ({
      ...ports,
      logs: (layout) => ports.logs(layout).map((log) => ({ ...log, ...change(log, world) })),
    }),
  };
}

/** The layout of worlds in which it never changes. */
function layoutOf({ shardCount }: ShardCommit): ShardLayout {
  return { epoch: 1, shardCount, previousShardCount: 0, wantedShardCount: shardCount };
}

/** Much happens and is looked at soon. */
const HASTY: Partial<Scenario> = { processIntervalMillis: 500, disasterIntervalMillis: 1500, isEmbedded: false };

const MISSING = /missing|points are accounted for|behind the totals/;
const DOUBLE = /counted more than once|and has folded/;

describe("the simulation finds", { timeout: 120_000 }, () => {
  it("a fold that does not recognise what it has seen", async () => {
    amnesia.isOn = true;
    try {
      expect(await found({})).toMatch(DOUBLE);
    } finally {
      amnesia.isOn = false;
    }
  });

  it("commits that are taken from any offset", async () => {
    expect(await found({ totals: { anyOffset: true } })).toMatch(/and has folded|more than once/);
  });

  it("commits that are taken from owners of an earlier generation", async () => {
    // One stands still with what the old primary had, while another opens the new one.
    const disasters = ["replica promoted", "pause"] as const;
    const scenario = { ...HASTY, receivers: 3, replicationMillis: 5000, disasters };
    expect(await found({ totals: { anyGeneration: true } }, { scenario })).toMatch(MISSING);
  });

  it("an owner that folds what the door offers whatever its generation", async () => {
    // Answers to appends are on their way while the log is replaced and opened again.
    const slowAppends = withLogs((log, { time }) => ({
      append: async (entry) => {
        const outcome = await log.append(entry);
        await new Promise<void>((resolve) => void time.after(1500, resolve));
        return outcome;
      },
    }));
    const offeredGeneration: Sabotage["offeredGeneration"] = ({ totals }, shard, generation) =>
      totals.model.offsets.get(shard)?.generation ?? generation;
    const options = { mostSeeds: 200, scenario: { ...HASTY, disasters: ["replica promoted"] } } as const;
    expect(await found(slowAppends, options)).toBe("nothing in 200 seeds");
    expect(await found({ ...slowAppends, offeredGeneration }, options)).toMatch(MISSING);
  });

  it("a log that is trimmed before the commit", async () => {
    const early = withStore(({ logs, store }) => ({
      commit: async (commit) => {
        await logs(layoutOf(commit))[commit.shard]!.trim(commit.offset.toId);
        return store.commit(commit);
      },
    }));
    expect(await found(early)).toMatch(/was trimmed uncommitted/);
  });

  it("a door that acknowledges before the log has the request", async () => {
    const hasty = withLogs((log) => ({
      append: async (entry) => {
        void log.append(entry);
        return success({ id: "1-0", generation: 0 });
      },
    }));
    expect(await found(hasty)).toMatch(/a 2xx before anything was in a log/);
  });

  it("counter state that is not loaded", async () => {
    expect(await found(withStore(() => ({ counterState: async () => success([]) })))).toMatch(DOUBLE);
  });

  it("a ledger that is not loaded", async () => {
    expect(
      await found(withStore(() => ({ ledger: async () => success({ rows: [], nextReceivedAt: undefined }) }))),
    ).toMatch(DOUBLE);
  });

  it("a commit of unknown outcome that is given up as if it had failed for ever", async () => {
    const hasty = withStore(({ store }) => ({
      commit: async (commit) => {
        const outcome = await store.commit(commit);
        return outcome.kind === "retryable" ? success(undefined) : outcome;
      },
    }));
    expect(await found(hasty)).toMatch(/and has folded|points are accounted for|uncommitted/);
  });

  it("a log whose owner believes that it is open", async () => {
    const blind = withLogs((log) => ({
      status: async () => {
        const status = await log.status();
        return status.kind === "success" && status.value.generation > 0
          ? success({ ...status.value, isOpen: true })
          : status;
      },
    }));
    expect(await found(blind)).toMatch(/does not come to rest/);
  });

  it("an owner on a replaced primary that runs on, which takes the totals back", async () => {
    const disasters = ["replica promoted, old primary runs on"] as const;
    const newest = withLogs((log, { totals }) => ({
      status: async () => {
        const status = await log.status();
        if (status.kind !== "success") return status;
        const generations = [...totals.model.offsets.values()].map(({ generation }) => generation);
        const generation = Math.max(status.value.generation, ...generations);
        return success({ ...status.value, generation, isSuperseded: false });
      },
    }));
    expect(await found(newest, { scenario: { ...HASTY, receivers: 3, disasters } })).toMatch(MISSING);
  });

  it("an owner that never gets anywhere", async () => {
    const stuck = withStore(() => ({ commit: async () => failure("conflict", "simulated: never") }));
    expect(await found(stuck)).toMatch(/does not come to rest/);
  });

  it("nothing where nothing is broken", async () => {
    expect(await found({}, { mostSeeds: 50 })).toBe("nothing in 50 seeds");
  });
});
