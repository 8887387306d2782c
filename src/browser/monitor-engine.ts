/**
 * The measuring side of a page: gives the tick, calculates, exports. In a worker, whose timers run on in hidden tabs, or on
 * the main thread where there is no worker.
 */
import type { Clock, Timer } from "../model/clock.ts";
import type { BridgeConnection, BridgeHooks } from "./bridge-connection.ts";
import { ExportSession } from "./export-session.ts";
import { Measurement } from "./measurement.ts";
import type { EngineSettings, FromEngine, RemoteConfig, ToEngine } from "./monitor-messages.ts";
import type { ConnectionReport } from "./stats-entry.ts";

/** What the engine needs of its surroundings. */
export interface EngineOptions {
  readonly clock: Clock;
  /** From 0 to 1, uniform. */
  readonly random: () => number;
  /** A `service.instance.id` that nobody else has. */
  readonly newInstanceId: () => string;
  readonly post: (message: FromEngine) => void;
  readonly connect: (url: string, hooks: BridgeHooks) => BridgeConnection;
}

/** The limits of what the bridge may set, milliseconds. */
const SHORTEST_STATS_INTERVAL_MILLIS = 100;
const LONGEST_MILLIS = 3_600_000;

/** A page that has not answered for so long is asked once more: its function may never end. */
const TOKEN_PATIENCE_MILLIS = 60_000;

/** Sessions that were left and still try to bring their rest to the bridge; one more ends the oldest. */
export const MAX_LEAVING = 4;

/** A token that the page was asked for, for all that want one until it answers. */
interface WantedToken {
  readonly token: Promise<string | undefined>;
  give(token: string | undefined): void;
  askedMillis: number;
}

interface Running {
  readonly settings: EngineSettings;
  readonly measurement: Measurement;
  readonly connections: Set<number>;
  /** Where measurements go: another one when the page's token is for another identity. */
  session: ExportSession;
}

/** Measures and exports for one page. */
export class MonitorEngine {
  readonly #options: EngineOptions;
  /** The last exports of sessions that were left; each ends within a minute. */
  readonly #leaving = new Map<ExportSession, Promise<void>>();
  #running: Running | undefined;
  #wantedToken: WantedToken | undefined;
  #statsIntervalMillis = 0;
  #emitThrottleMillis = 0;
  #timer: Timer | undefined;
  #tickUnanswered = false;
  #enabled = true;
  /** Whether another engine counts the time. */
  #hasMoved = false;

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
      case "reports":
        for (const report of message.reports) this.#take(report);
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
        this.#wantedToken?.give(message.token);
        this.#wantedToken = undefined;
        return;
      case "hide":
        for (const { exports } of this.#sessions()) void exports.exportLast(this.#now());
        return;
      case "moved":
        this.#endTick();
        this.#timer?.clear();
        this.#hasMoved = true;
        return;
      case "stop":
        void this.#stop((session) => session.finish());
        return;
      case "retire":
        void this.#stop((session) => this.#leave(session));
    }
  }

  /** All that still have something to export. */
  #sessions(): readonly ExportSession[] {
    const leaving = [...this.#leaving.keys()];
    return this.#running === undefined ? leaving : [this.#running.session, ...leaving];
  }

  #now(): number {
    return this.#options.clock.monotonicMillis();
  }

  #start(settings: EngineSettings): void {
    if (this.#running !== undefined) return;
    this.#statsIntervalMillis = settings.statsIntervalMillis;
    this.#emitThrottleMillis = settings.emitThrottleMillis;
    const running: Running = {
      settings,
      measurement: new Measurement({
        add: (...added) => running.session.metrics.add(...added),
        record: (...recorded) => running.session.metrics.record(...recorded),
      }),
      connections: new Set(),
      session: this.#open(settings, settings.resourceAttributes),
    };
    this.#running = running;
    this.#schedule();
  }

  #open({ url }: EngineSettings, resourceAttributes: Readonly<Record<string, string>>, token?: string): ExportSession {
    const { clock, random, connect } = this.#options;
    const session: ExportSession = new ExportSession({
      url,
      resourceAttributes,
      emitThrottleMillis: this.#emitThrottleMillis,
      clock,
      random,
      connect,
      firstToken: token,
      askToken: () => this.#askToken(),
      onOtherIdentity: (other) => this.#moveOn(session, other),
      onConfig: (config) => {
        if (this.#running?.session === session) this.#configure(config);
      },
    });
    return session;
  }

  /** What was measured until now belongs to the old identity, what follows to the new one: no series of the one goes on as the other's. */
  #moveOn(left: ExportSession, token: string): void {
    const running = this.#running;
    if (running?.session !== left) return;
    running.measurement.endTick(this.#now(), this.#statsIntervalMillis);
    const { resourceAttributes } = running.settings;
    const instance = { "service.instance.id": this.#options.newInstanceId() };
    running.session = this.#open(running.settings, { ...resourceAttributes, ...instance }, token);
    void this.#leave(left);
  }

  #leave(left: ExportSession): Promise<void> {
    const leaving = left.leave().finally(() => this.#leaving.delete(left));
    this.#leaving.set(left, leaving);
    const [oldest] = this.#leaving.keys();
    if (oldest !== undefined && this.#leaving.size > MAX_LEAVING) {
      oldest.abandon();
      this.#leaving.delete(oldest);
    }
    return leaving;
  }

  #take({ connection, report }: ConnectionReport): void {
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
    if (running === undefined || this.#hasMoved) return;
    const urgent = running.measurement.endTick(this.#now(), this.#statsIntervalMillis);
    void running.session.exports.tick(this.#now(), urgent);
  }

  #askToken(): Promise<string | undefined> {
    this.#wantedToken ??= wantedToken();
    const wanted = this.#wantedToken;
    const now = this.#now();
    if (now - wanted.askedMillis >= TOKEN_PATIENCE_MILLIS) {
      wanted.askedMillis = now;
      this.#options.post({ kind: "token" });
    }
    return wanted.token;
  }

  #configure({ enabled, statsIntervalMillis, emitThrottleMillis, worker }: RemoteConfig): void {
    const running = this.#running;
    if (running === undefined) return;
    if (isBetween(emitThrottleMillis, 0, LONGEST_MILLIS)) {
      this.#emitThrottleMillis = emitThrottleMillis;
      running.session.exports.setThrottle(emitThrottleMillis);
    }
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

  async #stop(end: (session: ExportSession) => Promise<void>): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    this.#timer?.clear();
    if (running !== undefined) {
      if (!this.#hasMoved) running.measurement.endTick(this.#now(), this.#statsIntervalMillis);
      await Promise.all([end(running.session), ...this.#leaving.values()]);
    }
    this.#options.post({ kind: "stopped" });
  }
}

function wantedToken(): WantedToken {
  let give: WantedToken["give"] = () => undefined;
  const token = new Promise<string | undefined>((resolve) => {
    give = resolve;
  });
  return { token, give, askedMillis: Number.NEGATIVE_INFINITY };
}

function isBetween(value: number | undefined, lowest: number, highest: number): value is number {
  return typeof value === "number" && value >= lowest && value <= highest;
}
