/**
 * Main thread: the measuring side of a monitor, which the bridge can move out of the worker and back while calls go on. A
 * report that ends a connection's account on the old side begins it on the new one, so that no byte falls between them.
 */
import { EngineLink } from "./engine-link.ts";
import type { EngineSettings, FromEngine, ToEngine } from "./monitor-messages.ts";
import { withPatience } from "./patience.ts";

/** How to measure. */
export interface MeasuringSideOptions {
  readonly settings: EngineSettings;
  readonly receive: (message: FromEngine) => void;
  /** False: on the main thread. */
  readonly worker: boolean;
  readonly workerUrl: string | undefined;
}

/** A side that was left, until it has exported what it knows. */
interface Retiring {
  readonly link: EngineLink;
  /** Connections whose account is still there. */
  readonly connections: Set<number>;
  emptied(): void;
  stopped(): void;
}

/** Talks to the engine that measures now. */
export class MeasuringSide {
  readonly #options: MeasuringSideOptions;
  #worker: boolean;
  #link: EngineLink;
  #retiring: Retiring | undefined;

  constructor(options: MeasuringSideOptions) {
    this.#options = options;
    this.#worker = options.worker;
    this.#link = this.#start();
  }

  /** Tells the engine. */
  tell(message: ToEngine): void {
    this.#link.tell(message);
    if (this.#retiring !== undefined) tellLast(this.#retiring, message);
  }

  /**
   * Moves to a worker or out of it; a report of each connection is wanted next. Does nothing while it still moves.
   * @param connections those that are followed
   * @returns whether it moves
   */
  move(worker: boolean, connections: Iterable<number>): boolean {
    if (worker === this.#worker || this.#retiring !== undefined) return false;
    this.#worker = worker;
    void this.#retire(this.#link, new Set(connections));
    this.#link = this.#start();
    return true;
  }

  /** Ends the worker, if there is one. */
  end(): void {
    this.#link.end();
    this.#retiring?.link.end();
  }

  #start(): EngineLink {
    const link: EngineLink = new EngineLink({
      worker: this.#worker,
      workerUrl: this.#options.workerUrl,
      receive: (message) => {
        if (link === this.#link) this.#options.receive(message);
        else if (message.kind === "stopped") this.#retiring?.stopped();
      },
    });
    link.tell({ kind: "start", settings: this.#options.settings });
    return link;
  }

  async #retire(link: EngineLink, connections: Set<number>): Promise<void> {
    let stopped = (): void => undefined;
    const isStopped = new Promise<void>((resolve) => {
      stopped = resolve;
    });
    const isEmpty = new Promise<void>((resolve) => {
      this.#retiring = { link, connections, emptied: resolve, stopped: () => stopped() };
    });
    if (connections.size > 0) await withPatience(isEmpty);
    link.tell({ kind: "stop" });
    await withPatience(isStopped);
    link.end();
    this.#retiring = undefined;
  }
}

/** Tells a side that was left what ends a connection's account there: its next report, or that it was removed. */
function tellLast(retiring: Retiring, message: ToEngine): void {
  const { link, connections } = retiring;
  if (message.kind === "reports") {
    const reports = message.reports.filter(({ connection }) => connections.delete(connection));
    if (reports.length > 0) link.tell({ kind: "reports", reports });
  } else if (message.kind === "removed" && connections.delete(message.connection)) link.tell(message);
  if (connections.size === 0) retiring.emptied();
}
