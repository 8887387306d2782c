/**
 * What a page calls. The main thread only asks its connections for reports and passes them on; nothing here throws into the
 * page or holds it up.
 */
import type { ConnectionReading } from "./connection-reading.ts";
import { MeasuringSide } from "./measuring-side.ts";
import type { FromEngine, RemoteConfig, ToEngine } from "./monitor-messages.ts";
import { observeConnections } from "./observe-connections.ts";
import { withPatience } from "./patience.ts";
import { type PeerConnection, StatsPoller, tellsStats } from "./stats-poller.ts";
import { afterTurn, browserClock, randomInstanceId } from "./surroundings.ts";

/** One connection's numbers, after each of its reports. */
export interface PeerConnectionSample extends ConnectionReading {
  readonly connection: PeerConnection;
  /** As given to `add`. */
  readonly labels: Readonly<Record<string, string>>;
}

/** How to monitor. */
export interface MonitorOptions {
  /** Where the bridge is: `https://host:port`. */
  readonly url: string;
  /** Says which meeting and participant this is. A function is asked again for each connection that is made. */
  readonly token?: string | (() => string | Promise<string>);
  /** `service.name` of the metrics. Default `browser`. */
  readonly serviceName?: string;
  /** `all`: every `RTCPeerConnection` made from now on is added by itself. */
  readonly observe?: "all";
  /** Called with the numbers of a connection at each tick. What it throws is swallowed. */
  readonly onSample?: (sample: PeerConnectionSample) => void;
  /** Default 1000; the bridge may set another. */
  readonly statsIntervalMillis?: number;
  /** Default 10000; the bridge may set another. */
  readonly emitThrottleMillis?: number;
  /** False: measures on the main thread. So it does where no worker can be made, and when the bridge asks for it. */
  readonly worker?: boolean;
  /** The address of a copy of the package's `dist/browser/worker.js`, where a content security policy allows no inlined worker. */
  readonly workerUrl?: string;
}

/** A running monitor. */
export interface PeerConnectionMonitor {
  /** Follows a connection. Adding twice is adding once; what cannot be asked for reports is ignored. */
  add(connection: PeerConnection, labels?: Readonly<Record<string, string>>): void;
  /** Takes a last report; await it before `close()`, after which a connection tells no more. Never rejects. */
  remove(connection: PeerConnection): Promise<void>;
  /** Ends everything, with a last export. Never rejects. */
  stop(): Promise<void>;
}

interface PageEvents {
  addEventListener?(type: string, listener: () => void): void;
  removeEventListener?(type: string, listener: () => void): void;
}

/** Begins to monitor. Add connections as they are made, or observe them all. */
export function monitorPeerConnections(options: MonitorOptions): PeerConnectionMonitor {
  return new Monitor(options);
}

class Monitor implements PeerConnectionMonitor {
  readonly #options: MonitorOptions;
  readonly #ids = new Map<PeerConnection, number>();
  readonly #added = new Map<number, { connection: PeerConnection; labels: Readonly<Record<string, string>> }>();
  readonly #poller: StatsPoller;
  readonly #side: MeasuringSide;
  readonly #stopObserving: () => void;
  readonly #hide = (): void => this.#side.tell({ kind: "hide" });
  #lastId = 0;
  #enabled = true;
  #stopped: (() => void) | undefined;

  constructor(options: MonitorOptions) {
    const { statsIntervalMillis = 1_000, emitThrottleMillis = 10_000 } = options;
    this.#options = options;
    this.#poller = new StatsPoller({
      post: (reports) => this.#side.tell({ kind: "reports", reports }),
      statsIntervalMillis,
      monotonicMillis: () => browserClock.monotonicMillis(),
      afterTurn,
    });
    const resourceAttributes = {
      "service.name": options.serviceName ?? "browser",
      "service.instance.id": randomInstanceId(),
    };
    this.#side = new MeasuringSide({
      settings: { url: options.url, resourceAttributes, statsIntervalMillis, emitThrottleMillis },
      worker: options.worker ?? true,
      workerUrl: options.workerUrl,
      receive: (message, reply) => this.#receive(message, reply),
    });
    this.#stopObserving = options.observe === "all" ? observeConnections((made) => this.add(made)) : () => undefined;
    (globalThis as PageEvents).addEventListener?.("pagehide", this.#hide);
  }

  add(connection: PeerConnection, labels: Readonly<Record<string, string>> = {}): void {
    if (this.#ids.has(connection) || this.#stopped !== undefined || !tellsStats(connection)) return;
    // Switched off, or without an engine, nothing ticks: closed connections would be kept, and fill the room there is.
    this.#removeClosed();
    this.#lastId += 1;
    if (!this.#poller.add(this.#lastId, connection)) return;
    this.#ids.set(connection, this.#lastId);
    this.#added.set(this.#lastId, { connection, labels });
  }

  async remove(connection: PeerConnection): Promise<void> {
    const id = this.#ids.get(connection);
    if (id === undefined) return;
    this.#ids.delete(connection);
    await withPatience(this.#poller.remove(id));
    // A report after `removed` would bring the connection back, for ever.
    this.#poller.forget(id);
    this.#added.delete(id);
    this.#side.tell({ kind: "removed", connection: id });
  }

  async stop(): Promise<void> {
    if (this.#stopped !== undefined) return;
    this.#stopObserving();
    (globalThis as PageEvents).removeEventListener?.("pagehide", this.#hide);
    await Promise.all([...this.#ids.keys()].map((connection) => this.remove(connection)));
    const stopped = new Promise<void>((resolve) => {
      this.#stopped = resolve;
    });
    this.#side.tell({ kind: "stop" });
    await withPatience(stopped);
    this.#side.end();
  }

  #receive(message: FromEngine, reply: (message: ToEngine) => void): void {
    switch (message.kind) {
      case "ready":
        return;
      case "tick":
        void this.#tick();
        return;
      case "reading":
        this.#show(message.connection, message.reading);
        return;
      case "token":
        void this.#giveToken(reply);
        return;
      case "config":
        this.#configure(message.config);
        return;
      case "stopped":
        this.#stopped?.();
    }
  }

  #configure({ enabled, statsIntervalMillis, worker }: RemoteConfig): void {
    this.#enabled = enabled ?? this.#enabled;
    if (statsIntervalMillis !== undefined) this.#poller.setInterval(statsIntervalMillis);
    if (worker === undefined) return;
    // The bridge may take the worker away; it gives none to a page that wants none.
    const moves = this.#side.move(worker && (this.#options.worker ?? true), this.#added.keys());
    if (moves) void this.#tick();
  }

  async #tick(): Promise<void> {
    if (!this.#enabled) return;
    this.#removeClosed();
    await this.#poller.tick();
    this.#side.tell({ kind: "ticked" });
  }

  #removeClosed(): void {
    for (const id of this.#poller.closed()) {
      const closed = this.#added.get(id);
      if (closed !== undefined) void this.remove(closed.connection);
    }
  }

  #show(id: number, reading: ConnectionReading): void {
    const added = this.#added.get(id);
    if (added === undefined || this.#options.onSample === undefined) return;
    try {
      this.#options.onSample({ ...reading, ...added });
    } catch {
      // The page's own fault, which must not end its measuring.
    }
  }

  async #giveToken(reply: (message: ToEngine) => void): Promise<void> {
    const { token } = this.#options;
    let value: string | undefined;
    try {
      value = typeof token === "function" ? await token() : token;
    } catch {
      // Without a token the bridge refuses, and the next attempt asks again.
    }
    reply({ kind: "token", token: value });
  }
}
