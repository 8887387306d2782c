/**
 * A deterministic simulation of the part of the receiver that promises exactly-once: real doors, owners and folds on modelled
 * servers, networks and clocks, driven by one seed. The same seed gives the same run, event by event.
 */
import { BEGIN } from "../aggregate/owner-world.ts";
import { Accounting } from "./accounting.ts";
import { Collector } from "./collector.ts";
import { Disasters, MOST_SHARDS } from "./disasters.ts";
import { Exporter } from "./exporter.ts";
import { entryNumber } from "./log-model.ts";
import { type LogServer, LogServers } from "./log-server.ts";
import { modelledLayouts, modelledLease, modelledLog, modelledTotals, type World } from "./modelled-ports.ts";
import { SimulatedReceiver, type ReceiverPorts } from "./receiver.ts";
import { NO_CALL_FAULTS, RemoteCalls } from "./remote-calls.ts";
import { scenarioOf, type Scenario } from "./scenario.ts";
import { SeededRandom } from "./seeded-random.ts";
import type { Sender, SenderWorld } from "./sender.ts";
import { NO_NETWORK_FAULTS, SenderNetwork } from "./sender-network.ts";
import { SimulatedProcess } from "./simulated-process.ts";
import { TotalsModel, type TotalsSabotage } from "./totals-model.ts";
import { TotalsServer } from "./totals-server.ts";
import { Trace } from "./trace.ts";
import { VirtualTime } from "./virtual-time.ts";

/** What makes a simulation break a promise on purpose, to see that it is found. */
export interface Sabotage {
  readonly totals?: TotalsSabotage;
  /** Replaces ports of every receiver. */
  readonly ports?: (ports: ReceiverPorts, world: World) => ReceiverPorts;
  /** What the door says is the generation of an append. */
  readonly offeredGeneration?: (world: World, shard: number, generation: number) => number;
}

/** How to run. */
export interface SimulationOptions {
  readonly seed: number;
  readonly keepTrace?: boolean;
  readonly sabotage?: Sabotage;
  /** Whether the number of shards changes. */
  readonly changesLayout?: boolean;
  /** What is not left to the seed. */
  readonly scenario?: Partial<Scenario>;
}

/** What came of a run. */
export interface SimulationOutcome {
  /** The first promise that was broken. */
  readonly broken: string | undefined;
  readonly events: number;
  readonly trace: readonly string[];
}

/** When the world is whole again, this long is enough to come to rest. */
const REST_WITHIN_MILLIS = 150_000;
const MOST_EVENTS = 200_000;
const MOST_BYTES = 1_000_000_000;

/** What an owner may tell of: everything else is a fault of the code under test. */
const EXPECTED_REPORT =
  /simulated|shards now|SHARDS is|changed meanwhile|gave up the shard|opened its log anew|the totals end at entry|log was left behind/;

/** Runs one seed. */
export async function simulate(options: SimulationOptions): Promise<SimulationOutcome> {
  return await new Simulation(options).run();
}

/** One run. */
export class Simulation implements World {
  readonly scenario: Scenario;
  readonly changesLayout: boolean;
  readonly random: SeededRandom;
  readonly time: VirtualTime = new VirtualTime();
  readonly trace: Trace;
  readonly calls: RemoteCalls;
  readonly accounting: Accounting;
  readonly logServers: LogServers;
  totals: TotalsServer;
  /** Lives that run now, by the number of the receiver. */
  readonly receivers: Map<number, SimulatedReceiver> = new Map();
  /** Processes that have not noticed that their log server was replaced. */
  readonly unaware: Map<SimulatedProcess, LogServer> = new Map();
  /** What the owners told. */
  readonly reports: string[] = [];
  /** Set when totals were restored behind what the log still holds: then the loss must be told, and cannot be healed. */
  isGapExpected = false;
  /** Set when the log was then rolled back or deleted as well: nobody can see what is missing any more. */
  isGapHidden = false;
  readonly #sabotage: Sabotage;
  readonly #network: SenderNetwork;
  readonly #senders: readonly Sender[];
  readonly #disasters: Disasters;
  #broken: string | undefined;
  #lives = 0;
  #events = 0;

  constructor({ seed, keepTrace = false, sabotage = {}, changesLayout = false, scenario = {} }: SimulationOptions) {
    this.changesLayout = changesLayout;
    this.random = new SeededRandom(seed);
    this.scenario = { ...scenarioOf(this.random), ...scenario };
    this.#sabotage = sabotage;
    this.trace = new Trace(this.time, keepTrace);
    this.trace.note(() => `seed ${seed}: ${JSON.stringify(this.scenario)}`);
    const fail = (reason: string): void => this.fail(reason);
    this.calls = new RemoteCalls(this.time, this.random, this.trace);
    const { shards, maxEntries } = this.scenario;
    this.logServers = new LogServers(changesLayout ? MOST_SHARDS : shards, { maxEntries, maxBytes: MOST_BYTES });
    this.totals = new TotalsServer(new TotalsModel(BEGIN, sabotage.totals), this.random);
    this.accounting = new Accounting(() => this.totals.model, fail);
    const targets = (): SimulatedReceiver[] => [...this.receivers.values()];
    this.#network = new SenderNetwork(this.time, this.random, this.trace, targets, fail);
    this.#senders = this.#makeSenders();
    this.#disasters = new Disasters(this);
  }

  /** Runs until everything has come to rest or a promise is broken. */
  async run(): Promise<SimulationOutcome> {
    const { troubledMillis, callFaults, networkFaults, receivers } = this.scenario;
    for (let number = 1; number <= receivers; number++) this.startReceiver(number);
    for (const sender of this.#senders) sender.start();
    this.calls.faults = callFaults;
    this.#network.faults = networkFaults;
    this.#disasters.begin();
    await this.#runUntil(troubledMillis, () => false);
    this.#mend();
    const isAtRest = (): boolean => this.#senders.every(({ isDone }) => isDone) && this.#logsAreDone();
    await this.#runUntil(troubledMillis + REST_WITHIN_MILLIS, isAtRest);
    if (this.#broken === undefined) this.#judge(isAtRest());
    return { broken: this.#broken, events: this.#events, trace: this.trace.lines };
  }

  /** A promise was broken; the first counts. */
  fail(reason: string): void {
    this.trace.note(() => `BROKEN: ${reason}`);
    this.#broken ??= reason;
  }

  /** Begins another life of a receiver, if it is not running. */
  startReceiver(number: number): void {
    if (this.receivers.has(number)) return;
    const { scenario, random } = this;
    if (scenario.isEmbedded) this.logServers.restart(false);
    const process = new SimulatedProcess(
      this.time,
      `receiver${number}.${++this.#lives}`,
      random.whole(-60_000, 60_000),
    );
    const ports: ReceiverPorts = {
      logs: ({ shardCount, epoch }) =>
        Array.from({ length: shardCount }, (_, shard) => modelledLog(this, process, shard, epoch)),
      leases: this.logServers.primary.logs.map((_, shard) => modelledLease(this, process, shard)),
      store: modelledTotals(this, process),
      ...(this.changesLayout && { layouts: modelledLayouts(this, process) }),
    };
    const { offeredGeneration = (_world, _shard, generation) => generation } = this.#sabotage;
    const receiver = new SimulatedReceiver(process, this.#sabotage.ports?.(ports, this) ?? ports, {
      ...scenario,
      maxBytes: MOST_BYTES,
      newIdentity: () => this.random.digits(),
      report: (message) => this.#told(process, message),
      offeredGeneration: (shard, generation) => offeredGeneration(this, shard, generation),
    });
    this.receivers.set(number, receiver);
    this.trace.note(() => `${process.name}: starts`);
    receiver.start();
  }

  logServerOf(process: SimulatedProcess): LogServer {
    return this.unaware.get(process) ?? this.logServers.primary;
  }

  #told(process: SimulatedProcess, message: string): void {
    this.reports.push(message);
    this.trace.note(() => `${process.name}: ${message}`);
    if (!EXPECTED_REPORT.test(message)) this.fail(`an owner reported: ${message}`);
  }

  async #runUntil(millis: number, isDone: () => boolean): Promise<void> {
    let nextLook = this.time.nowMillis;
    while (this.#broken === undefined && this.time.nowMillis < millis) {
      if (this.time.nowMillis >= nextLook) {
        if (isDone()) return;
        nextLook = this.time.nowMillis + 250;
      }
      if (!(await this.time.step())) return;
      if (++this.#events > MOST_EVENTS) this.fail("it goes on for ever");
    }
  }

  /** Nothing goes wrong any more, and senders come to an end. */
  #mend(): void {
    this.trace.note(() => "the world is whole again");
    this.#disasters.end();
    this.calls.faults = NO_CALL_FAULTS;
    this.#network.faults = NO_NETWORK_FAULTS;
    for (const sender of this.#senders) sender.finish();
  }

  #logsAreDone(): boolean {
    const { name, logs } = this.logServers.primary;
    const { layout, offsets } = this.totals.model;
    if (layout.wantedShardCount !== layout.shardCount) return false;
    return logs.every(({ state }, shard) => {
      // Shards that there are not have given everything away; a replica that was promoted may not have been told.
      const last = entryNumber(this.totals.model.lastIdOf(shard));
      if (layout.shardCount > 0 && shard >= layout.shardCount)
        return state.entries.every(({ id }) => entryNumber(id) <= last);
      const offset = offsets.get(shard);
      return state.entries.length === 0 && state.openedOn === name && state.generation === offset?.generation;
    });
  }

  #judge(isAtRest: boolean): void {
    if (!isAtRest) this.fail("it does not come to rest");
    else if (!this.isGapExpected) this.accounting.settled();
    else if (!this.isGapHidden && !this.reports.some((report) => report.includes("the totals end at entry"))) {
      this.fail("totals were restored behind a log that was trimmed since, and nobody told");
    }
  }

  #makeSenders(): readonly Sender[] {
    const { scenario, random } = this;
    const world: SenderWorld = { time: this.time, random, network: this.#network, accounting: this.accounting };
    const senders: Sender[] = [];
    for (let number = 1; number <= scenario.exporters; number++) {
      const temporality = random.pick(["delta", "cumulative"] as const);
      const service = `${temporality}${number}`;
      const routes = ["/a", "/b", "/c"].slice(0, random.whole(1, 3));
      const intervalMillis = random.whole(700, 5000);
      const attempts = random.pick([1, 3, 100]);
      const restarts = random.pick([0, 0, 0.1]);
      senders.push(new Exporter(world, { service, routes, temporality, intervalMillis, attempts, restarts }));
    }
    for (let number = 1; number <= scenario.collectors; number++) {
      const name = `collector${number}`;
      const services = [`${name}a`, `${name}b`, `${name}c`];
      const options = { name, services, intervalMillis: random.whole(700, 5000), maxBatchPoints: random.whole(1, 8) };
      senders.push(new Collector(world, options));
    }
    return senders;
  }
}
