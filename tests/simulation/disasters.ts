/** What goes wrong in a simulation, and how it is mended. */
import type { LostEntries } from "./log-server.ts";
import { entryNumber } from "./log-model.ts";
import type { Disaster } from "./scenario.ts";
import type { Simulation } from "./simulation.ts";
import type { TotalsModel } from "./totals-model.ts";
import { TotalsServer } from "./totals-server.ts";

/** Shards that there are at most where their number changes. */
export const MOST_SHARDS = 4;
const LAYOUT_MILLIS = 4000;

/** Strikes now and then. */
export class Disasters {
  readonly #world: Simulation;
  #copy: TotalsModel | undefined;
  #isOver = false;

  constructor(world: Simulation) {
    this.#world = world;
  }

  /** Begins to strike. */
  begin(): void {
    const { disasters, disasterIntervalMillis, replicationMillis } = this.#world.scenario;
    this.#repeat(replicationMillis, () => this.#world.logServers.synchronize());
    if (this.#world.changesLayout) this.#repeat(LAYOUT_MILLIS, () => this.#changeLayout());
    if (disasters.length === 0) return;
    this.#repeat(disasterIntervalMillis, () => this.#strike(this.#world.random.pick(disasters)));
  }

  /** Strikes no more, and mends everything. */
  end(): void {
    const { scenario, logServers, totals, unaware } = this.#world;
    this.#isOver = true;
    Object.assign(logServers.primary, { reachable: true, refusesAppends: false, refusesReads: false });
    Object.assign(totals, { reachable: true, isReadOnly: false, deadlocks: 0 });
    unaware.clear();
    for (let number = 1; number <= scenario.receivers; number++) this.#world.startReceiver(number);
  }

  #repeat(meanMillis: number, action: () => void): void {
    const { time, random } = this.#world;
    time.after(meanMillis * (0.3 + 1.4 * random.fraction()), () => {
      if (this.#isOver) return;
      action();
      this.#repeat(meanMillis, action);
    });
  }

  /** Not a disaster: an operator wants another number of shards. */
  #changeLayout(): void {
    const { model } = this.#world.totals;
    const wanted = this.#world.random.whole(1, MOST_SHARDS);
    this.#world.trace.note(() => `${wanted} shards are wanted`);
    if (model.layout.shardCount > 0) model.want(model.layout, wanted);
  }

  #strike(disaster: Disaster): void {
    const world = this.#world;
    const { primary } = world.logServers;
    world.trace.note(() => `disaster: ${disaster}`);
    switch (disaster) {
      case "crash":
        this.#endReceiver("kill");
        break;
      case "stop":
        this.#endReceiver("stop");
        break;
      case "pause":
        this.#pause();
        break;
      case "log unreachable":
        this.#forAWhile(primary, { reachable: false }, { reachable: true });
        break;
      case "log restarts":
        this.#lost(world.logServers.restart(false), false);
        break;
      case "log restarts without its tail":
        this.#logLosesItsTail();
        break;
      case "replica promoted":
        this.#lost(world.logServers.promote(false), false);
        break;
      case "replica promoted, old primary runs on":
        this.#splitBrain();
        break;
      case "streams deleted":
        this.#lost(world.logServers.delete(false), true);
        break;
      case "everything in the log deleted":
        this.#lost(world.logServers.delete(true), false);
        break;
      case "log out of memory":
        this.#forAWhile(primary, { refusesAppends: true }, { refusesAppends: false });
        break;
      case "log read errors":
        this.#forAWhile(primary, { refusesReads: true }, { refusesReads: false });
        break;
      case "leases forgotten":
        for (const lease of primary.leases) lease.forget();
        break;
      case "sql unreachable":
        this.#forAWhile(world.totals, { reachable: false }, { reachable: true });
        break;
      case "sql restarts":
        this.#replaceTotals(world.totals.model);
        break;
      case "sql read-only":
        this.#forAWhile(world.totals, { isReadOnly: true }, { isReadOnly: false });
        break;
      case "sql deadlocks":
        this.#forAWhile(world.totals, { deadlocks: 0.5 }, { deadlocks: 0 });
        break;
      case "sql restored":
        this.#restoreTotals();
        break;
    }
  }

  /** Numbers show a gap unless the log was deleted since and gave them again. */
  #isGapVisible(): boolean {
    const { logServers, totals } = this.#world;
    return logServers.primary.logs.some(({ state }, shard) => {
      const first = entryNumber(state.entries[0]?.id ?? `${state.last + 1}-0`);
      return first > entryNumber(totals.model.offsets.get(shard)?.lastId ?? "0-0") + 1;
    });
  }

  #forAWhile<T extends object>(target: T, faulty: Partial<T>, whole: Partial<T>): void {
    Object.assign(target, faulty);
    this.#world.time.after(this.#world.random.spread(300, 8000), () => Object.assign(target, whole));
  }

  #endReceiver(how: "kill" | "stop"): void {
    const { receivers, random, time, trace } = this.#world;
    if (receivers.size === 0) return;
    const number = random.pick([...receivers.keys()]);
    const receiver = receivers.get(number)!;
    receivers.delete(number);
    trace.note(() => `${receiver.process.name}: ${how}`);
    if (how === "kill") receiver.process.kill();
    else receiver.process.enter(() => void receiver.stop());
    time.after(random.spread(50, 8000), () => this.#world.startReceiver(number));
  }

  #pause(): void {
    const { receivers, random, trace } = this.#world;
    if (receivers.size === 0) return;
    const { process } = random.pick([...receivers.values()]);
    const millis = random.spread(100, 15_000);
    trace.note(() => `${process.name}: stands still for ${Math.round(millis)} ms`);
    process.pause(millis);
  }

  #lost(entries: readonly LostEntries[], numbers: boolean): void {
    this.#world.accounting.lost(entries, numbers);
    this.#world.isGapHidden ||= this.#world.isGapExpected;
    this.#world.trace.note(() => {
      const ids = entries.map(({ shard, entries: gone }) => `${shard}: ${gone.map(({ id }) => id).join(" ")}`);
      return `the log lost ${ids.join("; ")}`;
    });
  }

  /** A disk that lies; of an embedded receiver, an old copy of its file, which nobody has open meanwhile. */
  #logLosesItsTail(): void {
    const { logServers, receivers, scenario } = this.#world;
    if (scenario.isEmbedded) {
      for (const receiver of receivers.values()) receiver.process.kill();
      receivers.clear();
    }
    this.#lost(logServers.restart(true), false);
    if (scenario.isEmbedded) this.#world.startReceiver(1);
  }

  /**
   * Receivers that have not noticed go on with the old primary. Only where it was open for the totals' generation: one that was
   * itself just promoted and not yet opened looks to an owner like the right one (`docs/decisions/log-generations.md`).
   */
  #splitBrain(): void {
    const { logServers, receivers, unaware, random, time, totals } = this.#world;
    const old = logServers.primary;
    const runsOn = old.logs.every(({ state }, shard) => {
      const { offsets, layout } = totals.model;
      const offset = offsets.get(shard);
      // Logs of shards that there are not.
      if (offset === undefined && layout.shardCount > 0) return true;
      return state.openedOn === old.name && state.identity === offset?.logIdentity;
    });
    this.#lost(logServers.promote(runsOn), false);
    if (!runsOn) return;
    for (const { process } of receivers.values()) {
      if (!random.chance(0.6)) continue;
      if (!unaware.has(process)) unaware.set(process, old);
      time.after(random.spread(100, 15_000), () => unaware.delete(process));
    }
  }

  #replaceTotals(model: TotalsModel): void {
    const world = this.#world;
    world.totals.alive = false;
    world.totals = new TotalsServer(model, world.random);
  }

  /** First a copy is made; the next time it is put back, while no receiver runs: who restores a database stops its writers. */
  #restoreTotals(): void {
    const world = this.#world;
    if (this.#copy === undefined) {
      this.#copy = world.totals.model.copy();
      return;
    }
    for (const receiver of world.receivers.values()) receiver.process.kill();
    world.receivers.clear();
    world.logServers.restart(false);
    this.#replaceTotals(this.#copy);
    this.#copy = undefined;
    const held = world.logServers.primary.logs.map(({ state }) => new Set(state.entries));
    if (world.accounting.restored(held)) {
      world.isGapExpected = true;
      world.isGapHidden ||= !this.#isGapVisible();
    }
    for (let number = 1; number <= world.scenario.receivers; number++) world.startReceiver(number);
  }
}
