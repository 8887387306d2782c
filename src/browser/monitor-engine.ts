/**
 * The measuring side of a page: gives the tick, calculates, exports. In a worker, whose timers run on in hidden tabs, or on
 * the main thread where there is no worker.
 */
import type { Clock, Timer } from "../model/clock.ts";
import { ExportLoop, type ExportTransport } from "./export-loop.ts";
import { Measurement } from "./measurement.ts";
import type { EngineSettings, FromEngine, RemoteConfig, ToEngine } from "./monitor-messages.ts";
import { PageMetrics } from "./page-metrics.ts";

/** A connection to the bridge. */
export interface BridgeConnection extends ExportTransport {
  close(): void;
}

/** What the bridge connection asks and tells. */
export interface BridgeHooks {
  readonly random: () => number;
  readonly clock: Clock;
  /** The token for a connection that is about to be made. */
  readonly token: () => Promise<string | undefined>;
  readonly onConfig: (config: RemoteConfig) => void;
}

/** What the engine needs of its surroundings. */
export interface EngineOptions {
  readonly clock: Clock;
  /** From 0 to 1, uniform. */
  readonly random: () => number;
  readonly post: (message: FromEngine) => void;
  readonly connect: (url: string, hooks: BridgeHooks) => BridgeConnection;
}

/** The limits of what the bridge may set, milliseconds. */
const SHORTEST_STATS_INTERVAL_MILLIS = 100;
const LONGEST_MILLIS = 3_600_000;

interface Running {
  readonly measurement: Measurement;
  readonly exports: ExportLoop;
  readonly bridge: BridgeConnection;
  readonly connections: Set<number>;
}

/** Measures and exports for one page. */
export class MonitorEngine {
  readonly #options: EngineOptions;
  readonly #tokenWaiters: ((token: string | undefined) => void)[] = [];
  #running: Running | undefined;
  #statsIntervalMillis = 0;
  #timer: Timer | undefined;
  #tickUnanswered = false;
  #enabled = true;

  constructor(options: EngineOptions) {
    this.#options = options;
    options.post({ kind: "ready" });
  }

  /** Takes a message of the main thread. */
  handle(message: ToEngine): void {
    switch (message.kind) {
      case "start":
        this.#start(message.settings);
        return;
      case "report":
        this.#take(message);
        return;
      case "ticked":
        this.#tickUnanswered = false;
        this.#endTick();
        return;
      case "removed":
        this.#running?.connections.delete(message.connection);
        this.#running?.measurement.remove(message.connection);
        this.#endTick();
        return;
      case "token":
        for (const waiter of this.#tokenWaiters.splice(0)) waiter(message.token);
        return;
      case "hide":
        void this.#running?.exports.exportLast(this.#now());
        return;
      case "stop":
        void this.#stop();
    }
  }

  #now(): number {
    return this.#options.clock.monotonicMillis();
  }

  #start(settings: EngineSettings): void {
    if (this.#running !== undefined) return;
    const { clock, random, connect } = this.#options;
    const metrics = new PageMetrics(settings.resourceAttributes);
    const bridge = connect(settings.url, {
      clock,
      random,
      token: () => this.#askToken(),
      onConfig: (config) => this.#configure(config),
    });
    const exports = new ExportLoop({
      collect: () => metrics.collect(),
      transport: bridge,
      emitThrottleMillis: settings.emitThrottleMillis,
      nowMillis: this.#now(),
      random,
    });
    this.#running = { measurement: new Measurement(metrics), exports, bridge, connections: new Set() };
    this.#statsIntervalMillis = settings.statsIntervalMillis;
    this.#schedule();
  }

  #take({ connection, report }: Extract<ToEngine, { kind: "report" }>): void {
    if (!this.#enabled) return;
    const reading = this.#running?.measurement.take(connection, report);
    if (reading === undefined) return;
    this.#running?.connections.add(connection);
    this.#options.post({ kind: "reading", connection, reading });
  }

  #schedule(): void {
    this.#timer?.clear();
    this.#timer = this.#options.clock.after(this.#statsIntervalMillis, () => {
      // A main thread that is busy, or a connection that does not answer, holds up neither time nor exports.
      if (this.#tickUnanswered) this.#endTick();
      this.#tickUnanswered = true;
      this.#options.post({ kind: "tick" });
      this.#schedule();
    });
  }

  #endTick(): void {
    const running = this.#running;
    if (running === undefined) return;
    const urgent = running.measurement.endTick(this.#now());
    void running.exports.tick(this.#now(), urgent);
  }

  #askToken(): Promise<string | undefined> {
    return new Promise((resolve) => {
      this.#tokenWaiters.push(resolve);
      this.#options.post({ kind: "token" });
    });
  }

  #configure({ enabled, statsIntervalMillis, emitThrottleMillis, worker }: RemoteConfig): void {
    const running = this.#running;
    if (running === undefined) return;
    if (isBetween(emitThrottleMillis, 0, LONGEST_MILLIS)) running.exports.setThrottle(emitThrottleMillis);
    if (isBetween(statsIntervalMillis, SHORTEST_STATS_INTERVAL_MILLIS, LONGEST_MILLIS)) {
      this.#statsIntervalMillis = statsIntervalMillis;
    }
    if (typeof enabled === "boolean") this.#enable(enabled, running);
    if (this.#enabled) this.#schedule();
    this.#options.post({
      kind: "config",
      config: {
        enabled: this.#enabled,
        statsIntervalMillis: this.#statsIntervalMillis,
        ...(typeof worker === "boolean" ? { worker } : {}),
      },
    });
  }

  /** Switched off, nothing is measured; switched on again, everything begins with a baseline. */
  #enable(enabled: boolean, running: Running): void {
    if (!enabled && this.#enabled) {
      this.#timer?.clear();
      for (const connection of running.connections) running.measurement.remove(connection);
      running.connections.clear();
      this.#endTick();
    }
    this.#enabled = enabled;
  }

  async #stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    this.#timer?.clear();
    if (running !== undefined) {
      running.measurement.endTick(this.#now());
      await running.exports.finish(this.#now());
      running.bridge.close();
    }
    this.#options.post({ kind: "stopped" });
  }
}

function isBetween(value: number | undefined, lowest: number, highest: number): value is number {
  return typeof value === "number" && value >= lowest && value <= highest;
}
