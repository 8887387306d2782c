/** One cycle of a fault with stores of its own, opened before and closed after it. */
import { type Fault, type Outcome, receiverCount, runCycle, type Size } from "./run-cycle.ts";
import { SeededRandom } from "./seeded-random.ts";
import { type BackendKind, EmbeddedStores, type Servers } from "./stores.ts";

export type { Outcome } from "./run-cycle.ts";

/** Whether nothing was lost, unless it may be, and nothing doubled. */
export function isSound({ mayLose }: Fault, { differences, doubled }: Outcome): boolean {
  return mayLose === true ? doubled === 0n : differences.length === 0;
}

/** Runs a cycle. `servers`: those to use where the backend is `servers`. Rejects when it could not be run to its end. */
export async function runFault(
  fault: Fault,
  kind: BackendKind,
  servers: Servers | undefined,
  seed: number,
  size: Size,
): Promise<Outcome> {
  const random = new SeededRandom(seed).fork(fault.name);
  if (fault.around) return await fault.around(kind, servers, (stores) => runCycle(fault, stores, random, size));
  const stores =
    kind === "embedded"
      ? await EmbeddedStores.open()
      : await servers?.open(receiverCount(fault, kind), { isNew: fault.startTogether ?? false });
  if (stores === undefined) throw new Error("there are no servers");
  try {
    return await runCycle(fault, stores, random, size);
  } finally {
    await stores.close();
  }
}
