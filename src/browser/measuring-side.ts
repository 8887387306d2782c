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
  /** Takes what the engine tells, and how to answer the one that told it: a side that was left may need a token, too. */
  readonly receive: (message: FromEngine, reply: (message: ToEngine) => void) => void;
  /** False: on the main thread. */
  readonly worker: boolean;
  readonly workerUrl: string | undefined;
}

/** A side that was left, until it knows all that it is to export. */
interface Retiring {
  readonly link: EngineLink;
  /** Connections whose account is still there. */
  readonly connections: Set<number>;
  emptied(): void;
}

/** The longest that a side that was left may take to bring what it measured to the bridge: its tries are over by then. */
const LEAVE_MILLIS = 60_000;

/** Sides that were left and still try; one more ends the oldest. */
const MAX_LEAVING = 2;

/** Talks to the engine that measures now. */
export class MeasuringSide {
  readonly #options: MeasuringSideOptions;
  #worker: boolean;
  #link: EngineLink;
  #retiring: Retiring | undefined;
  /** Those that still try to bring their rest to the bridge, oldest first, and what ends each. */
  readonly #leaving = new Map<EngineLink, () => void>();

  constructor(options: MeasuringSideOptions) {
    this.#options = options;
    this.#worker = options.worker;
    this.#link = this.#start();
  }

  /** Tells the engine. */
  tell(message: ToEngine): void {
    this.#link.tell(message);
    if (message.kind === "hide") for (const link of this.#leaving.keys()) link.tell(message);
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

  /** Ends the worker, if there is one. A side that was left ends by itself, when it has no more to tell or its time is over. */
  end(): void {
    this.#link.end();
  }

  #start(): EngineLink {
    const link: EngineLink = new EngineLink({
      worker: this.#worker,
      workerUrl: this.#options.workerUrl,
      receive: (message) => {
        if (link === this.#link || message.kind === "token") {
          this.#options.receive(message, (reply) => link.tell(reply));
        } else if (message.kind === "stopped") this.#leaving.get(link)?.();
      },
    });
    link.tell({ kind: "start", settings: this.#options.settings });
    return link;
  }

  async #retire(link: EngineLink, connections: Set<number>): Promise<void> {
    const isEmpty = new Promise<void>((resolve) => {
      this.#retiring = { link, connections, emptied: resolve };
    });
    if (connections.size > 0) await withPatience(isEmpty);
    this.#retiring = undefined;
    await this.#leave(link);
  }

  async #leave(link: EngineLink): Promise<void> {
    const isOver = new Promise<void>((resolve) => void this.#leaving.set(link, resolve));
    const [endOldest] = this.#leaving.values();
    if (this.#leaving.size > MAX_LEAVING) endOldest?.();
    link.tell({ kind: "retire" });
    await withPatience(isOver, LEAVE_MILLIS);
    link.end();
    this.#leaving.delete(link);
  }
}

/** Tells a side that was left what ends a connection's account there: its next report, or that it was removed; and the page's end. */
function tellLast(retiring: Retiring, message: ToEngine): void {
  const { link, connections } = retiring;
  if (message.kind === "reports") {
    const reports = message.reports.filter(({ connection }) => connections.delete(connection));
    if (reports.length > 0) link.tell({ kind: "reports", reports });
  } else if (message.kind === "removed" && connections.delete(message.connection)) link.tell(message);
  // The new side's clock begins with its first tick.
  else if (message.kind === "ticked") link.tell({ kind: "moved" });
  else if (message.kind === "hide") link.tell(message);
  if (connections.size === 0) retiring.emptied();
}
