/** One cycle of a row on servers that run already. */
import { type Fault, type Outcome, runCycle, type Size } from "../faults/run-cycle.ts";
import { SeededRandom } from "../faults/seeded-random.ts";
import { HaproxyFront } from "./haproxy-front.ts";
import { asFault, type ScaleFault } from "./scale-fault.ts";
import type { ScaleServers } from "./scale-stores.ts";

/** Where and how. */
export interface ScaleRun {
  readonly servers: ScaleServers;
  readonly seed: number;
  readonly size: Size;
  /** `REDIS_WAIT_REPLICAS` of the receivers. */
  readonly waitReplicas: number;
  /** Modules that receivers load first: what is taken out of them. */
  readonly imports?: readonly string[];
}

/** What came of it, and whether it is as promised. */
export interface ScaleOutcome extends Outcome {
  readonly fault: Fault;
}

/** Runs a cycle. Rejects when it could not be run to its end, or when more is lost than may be. */
export async function runScaleRow(row: ScaleFault, run: ScaleRun): Promise<ScaleOutcome> {
  const { servers, seed, size, waitReplicas, imports = [] } = run;
  const fault: Fault = { ...asFault(row, waitReplicas), imports: () => imports };
  const stores = await servers.open(waitReplicas);
  try {
    const random = new SeededRandom(seed).fork(row.name);
    const outcome = await runCycle(fault, stores, random, size, HaproxyFront.open);
    return { ...outcome, fault, ...(fault.mayLose && { counted: countLost(outcome) }) };
  } finally {
    await stores.close();
  }
}

/** How much was lost of what was at risk, in points: more than that is no outcome but a failure of the run. */
function countLost({ journal, differences }: Outcome): ReadonlyMap<string, number> {
  const points = differences.find(({ row, column }) => row.startsWith("receiver_minute|") && column === "points");
  const lost = points === undefined ? 0n : points.acknowledged - points.stored;
  return new Map([
    ["batches at risk", journal.batchesAtRisk],
    ["points at risk", journal.pointsAtRisk],
    ["points lost", Number(lost)],
  ]);
}
