/** What a seed makes of a simulation: how many of everything, how it is set, and what goes wrong how often. */
import { NO_CALL_FAULTS, type CallFaults } from "./remote-calls.ts";
import { NO_NETWORK_FAULTS, type NetworkFaults } from "./sender-network.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** What can happen to a simulated world. */
export const DISASTERS = [
  "crash",
  "stop",
  "pause",
  "log unreachable",
  "log restarts",
  "log restarts without its tail",
  "replica promoted",
  "replica promoted, old primary runs on",
  "streams deleted",
  "everything in the log deleted",
  "log out of memory",
  "log read errors",
  "leases forgotten",
  "sql unreachable",
  "sql restarts",
  "sql read-only",
  "sql deadlocks",
  "sql restored",
] as const;

/** One of {@link DISASTERS}. */
export type Disaster = (typeof DISASTERS)[number];

/** One world. */
export interface Scenario {
  readonly shards: number;
  readonly receivers: number;
  readonly exporters: number;
  readonly collectors: number;
  /** How long things go wrong, milliseconds. */
  readonly troubledMillis: number;
  readonly batchEntries: number;
  readonly processIntervalMillis: number;
  readonly persistIntervalMillis: number;
  readonly maxEntries: number;
  readonly maxDecodedBytes: number;
  /** One process with files of its own: its log is closed whenever it starts. */
  readonly isEmbedded: boolean;
  /** Milliseconds between two times at which the replica has caught up. */
  readonly replicationMillis: number;
  readonly disasters: readonly Disaster[];
  readonly disasterIntervalMillis: number;
  readonly callFaults: CallFaults;
  readonly networkFaults: NetworkFaults;
}

/** Disasters that an embedded receiver cannot have: its log is a file. */
const REMOTE_ONLY: ReadonlySet<Disaster> = new Set([
  "log restarts",
  "replica promoted",
  "replica promoted, old primary runs on",
  "leases forgotten",
]);

/** The scenario of a seed. Each has only some of the faults: they hide each other when all happen at once. */
export function scenarioOf(random: SeededRandom): Scenario {
  const isEmbedded = random.chance(0.15);
  const possible = DISASTERS.filter((disaster) => !(isEmbedded && REMOTE_ONLY.has(disaster)));
  const likelihood = random.pick([0.1, 0.3, 0.6]);
  const disasters = possible.filter((disaster) => random.chance(disaster === "sql restored" ? 0.05 : likelihood));
  const rate = (most: number): number => (random.chance(0.5) ? 0 : random.spread(0.002, most));
  return {
    shards: random.pick([1, 1, 1, 2]),
    receivers: isEmbedded ? 1 : random.pick([1, 2, 2, 3]),
    exporters: random.whole(1, 3),
    collectors: random.whole(0, 1),
    troubledMillis: random.whole(15_000, 45_000),
    batchEntries: random.pick([1, 2, 5, 100]),
    processIntervalMillis: random.pick([500, 1000, 2000, 5000]),
    persistIntervalMillis: random.pick([1000, 4000, 10_000, 20_000]),
    maxEntries: random.pick([4, 8, 20, 1000]),
    maxDecodedBytes: random.pick([0, 1000, 1_000_000, 1_000_000]),
    isEmbedded,
    replicationMillis: random.spread(50, 8000),
    disasters,
    disasterIntervalMillis: random.spread(1500, 10_000),
    callFaults: random.chance(0.3)
      ? NO_CALL_FAULTS
      : { requestLost: rate(0.1), replyLost: rate(0.15), late: rate(0.1), slow: random.pick([0.02, 0.1, 0.5]) },
    networkFaults: random.chance(0.3) ? NO_NETWORK_FAULTS : { lost: rate(0.3), doubled: rate(0.3), late: rate(0.2) },
  };
}
