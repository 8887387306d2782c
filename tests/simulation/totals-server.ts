/** The SQL server of a simulation. */
import type { SeededRandom } from "./seeded-random.ts";
import type { SimulatedServer } from "./remote-calls.ts";
import type { TotalsModel } from "./totals-model.ts";

/** One run of a server. */
export class TotalsServer implements SimulatedServer {
  readonly name = "sql";
  readonly model: TotalsModel;
  alive = true;
  reachable = true;
  isReadOnly = false;
  /** How likely a transaction ends as the victim of a deadlock or waits for a lock in vain. */
  deadlocks = 0;
  readonly #random: SeededRandom;

  constructor(model: TotalsModel, random: SeededRandom) {
    this.model = model;
    this.#random = random;
  }

  refusal(operation: string): string | undefined {
    if (operation !== "commit" && operation !== "advanceGeneration") return undefined;
    if (this.isReadOnly) return "the server is read-only";
    return this.#random.chance(this.deadlocks) ? "deadlock found when trying to get lock" : undefined;
  }
}
