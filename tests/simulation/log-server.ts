/** Servers that hold the logs and leases of a simulation: a primary, what its replica has of it, and what its disk has. */
import type { LogEntry, LogLimits } from "../../src/model/ingest-log.ts";
import { LeaseModel } from "./lease-model.ts";
import { LogModel, type LogState } from "./log-model.ts";
import type { SimulatedServer } from "./remote-calls.ts";

/** One run of a server. */
export class LogServer implements SimulatedServer {
  /** As Redis' replication id: another one after a restart or a promotion. */
  readonly name: string;
  readonly logs: readonly LogModel[];
  readonly leases: readonly LeaseModel[];
  alive = true;
  reachable = true;
  /** As Redis at its memory limit: takes nothing, but trims. */
  refusesAppends = false;
  refusesReads = false;
  /** How often everything in it was deleted. */
  wipes = 0;

  constructor(name: string, logs: readonly LogModel[], leases: readonly LeaseModel[]) {
    this.name = name;
    this.logs = logs;
    this.leases = leases;
  }

  refusal(operation: string): string | undefined {
    if (operation === "append" && this.refusesAppends) return "out of memory";
    return operation === "read" && this.refusesReads ? "read error" : undefined;
  }
}

/** Entries that a fault took. */
export interface LostEntries {
  readonly shard: number;
  readonly entries: readonly LogEntry[];
}

/** The server that is the right one, and how it is replaced. */
export class LogServers {
  primary: LogServer;
  readonly #limits: LogLimits;
  /** What the replica has, and what is on the disk when nobody waits for it. */
  #behind: readonly LogState[];
  #count = 0;

  constructor(shards: number, limits: LogLimits) {
    this.#limits = limits;
    const logs = Array.from({ length: shards }, () => new LogModel(limits));
    this.primary = new LogServer(this.#name(), logs, newLeases(shards));
    this.#behind = logs.map(({ state }) => state);
  }

  /** The replica and the disk catch up. */
  synchronize(): void {
    this.#behind = this.primary.logs.map(({ state }) => state);
  }

  /** The server starts again; with `losesTail`, with what its disk had. Returns what was lost. */
  restart(losesTail: boolean): readonly LostEntries[] {
    const { logs, leases } = this.primary;
    this.primary.alive = false;
    const states = losesTail ? this.#behind : logs.map(({ state }) => state);
    return this.#replace(states, leases);
  }

  /** The replica takes over; the old primary may run on, for those who have not noticed. Returns what was lost. */
  promote(oldRunsOn: boolean): readonly LostEntries[] {
    this.primary.alive = oldRunsOn;
    return this.#replace(this.#behind, newLeases(this.primary.leases.length));
  }

  /** The streams are deleted; with `withNumbers`, all that is known about them too. Returns what was lost. */
  delete(withNumbers: boolean): readonly LostEntries[] {
    const lost = this.primary.logs.map(({ state }, shard) => ({ shard, entries: state.entries }));
    for (const log of this.primary.logs) log.delete(withNumbers);
    if (withNumbers) this.primary.wipes += 1;
    this.synchronize();
    return lost;
  }

  #replace(states: readonly LogState[], leases: readonly LeaseModel[]): readonly LostEntries[] {
    const lost = this.primary.logs.map(({ state }, shard) => {
      const kept = new Set(states[shard]!.entries);
      return { shard, entries: state.entries.filter((entry) => !kept.has(entry)) };
    });
    const logs = states.map((state) => {
      const log = new LogModel(this.#limits);
      log.state = state;
      return log;
    });
    this.primary = new LogServer(this.#name(), logs, leases);
    this.synchronize();
    return lost;
  }

  #name(): string {
    return `log#${++this.#count}`;
  }
}

function newLeases(shards: number): readonly LeaseModel[] {
  return Array.from({ length: shards }, () => new LeaseModel());
}
