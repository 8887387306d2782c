/**
 * Main thread: asks the connections for their reports, one call a connection at a time, reads them in slices and hands them
 * on. A connection whose browser answers slowly is asked less often. Nothing here throws into the page.
 */
import { ReportReader, type StatsReport } from "./report-reader.ts";
import { SliceQueue, type SliceQueueOptions } from "./slice-queue.ts";
import type { ConnectionReport } from "./stats-entry.ts";

/** The part of `RTCPeerConnection` that is used. */
export interface PeerConnection {
  getStats(): Promise<StatsReport>;
  readonly connectionState?: string;
  readonly signalingState?: string;
}

/** Whether what a page gave for a connection can be asked for reports. Never throws. */
export function tellsStats(given: unknown): given is PeerConnection {
  try {
    return typeof (given as PeerConnection | null | undefined)?.getStats === "function";
  } catch {
    return false;
  }
}

/** Connections followed at once; more are not measured. */
export const MAX_POLLED = 500;

/** A call that takes longer than this part of the interval makes the connection sit out ticks. */
const SLOW_PART = 0.1;
const MOST_TICKS_OUT = 10;

/** What the poller needs. */
export interface StatsPollerOptions extends Omit<SliceQueueOptions, "sliceEnded"> {
  /** Takes the reports that were read in a slice: one message costs less than one a connection. */
  readonly post: (reports: readonly ConnectionReport[]) => void;
  readonly statsIntervalMillis: number;
}

interface Polled {
  readonly source: PeerConnection;
  readonly reader: ReportReader;
  /** The last call; never rejects. */
  call: Promise<void>;
  isUnderWay: boolean;
  ticksOut: number;
  /** Its last report is awaited. */
  isLeaving: boolean;
}

/** A state that is told as anything else, or not at all, is not known: it must not end the look at all others. */
function stateOf(source: PeerConnection, name: "connectionState" | "signalingState"): string | undefined {
  try {
    const state: unknown = source[name];
    return typeof state === "string" ? state : undefined;
  } catch {
    return undefined;
  }
}

/** Old browsers tell it by the one alone. */
function isClosed(source: PeerConnection): boolean {
  return stateOf(source, "connectionState") === "closed" || stateOf(source, "signalingState") === "closed";
}

/** Polls the connections of a page. */
export class StatsPoller {
  readonly #options: StatsPollerOptions;
  readonly #queue: SliceQueue;
  readonly #polled = new Map<number, Polled>();
  /** How many of them leave, which takes a moment. */
  #leaving = 0;
  #statsIntervalMillis: number;
  /** Read in the slice that runs. */
  #read: ConnectionReport[] = [];

  constructor(options: StatsPollerOptions) {
    this.#options = options;
    this.#queue = new SliceQueue({ ...options, sliceEnded: () => this.#post() });
    this.#statsIntervalMillis = options.statsIntervalMillis;
  }

  /** Another interval from now on. */
  setInterval(statsIntervalMillis: number): void {
    this.#statsIntervalMillis = statsIntervalMillis;
  }

  /** Follows a connection and takes its first report. @returns whether there was room */
  add(connection: number, source: PeerConnection): boolean {
    const { size } = this.#polled;
    if (size - this.#leaving >= MAX_POLLED || size >= 2 * MAX_POLLED) return false;
    const reader = new ReportReader();
    const call = Promise.resolve();
    const polled: Polled = { source, reader, call, isUnderWay: false, ticksOut: 0, isLeaving: false };
    this.#polled.set(connection, polled);
    void this.#call(connection, polled);
    return true;
  }

  /** Takes a last report and forgets the connection. Resolves when the report is handed on; never rejects. */
  async remove(connection: number): Promise<void> {
    const polled = this.#polled.get(connection);
    if (polled === undefined || polled.isLeaving) return;
    polled.isLeaving = true;
    this.#leaving += 1;
    await polled.call;
    if (!this.#polled.has(connection)) return;
    await this.#call(connection, polled);
    this.forget(connection);
  }

  /** Forgets a connection at once: what its browser still answers is not handed on. */
  forget(connection: number): void {
    if (this.#polled.get(connection)?.isLeaving === true) this.#leaving -= 1;
    this.#polled.delete(connection);
  }

  /** The connections that the browser has closed. */
  closed(): number[] {
    return [...this.#polled].filter(([, { source }]) => isClosed(source)).map(([id]) => id);
  }

  /** Asks every connection that is due. Resolves when all have answered; one that does not is not asked again until it has. */
  async tick(): Promise<void> {
    const calls: Promise<void>[] = [];
    for (const [connection, polled] of this.#polled) {
      if (polled.ticksOut > 0) polled.ticksOut -= 1;
      else if (!polled.isUnderWay) calls.push(this.#call(connection, polled));
    }
    await Promise.all(calls);
  }

  #call(connection: number, polled: Polled): Promise<void> {
    polled.isUnderWay = true;
    polled.call = this.#take(connection, polled);
    return polled.call;
  }

  async #take(connection: number, polled: Polled): Promise<void> {
    const { source, reader } = polled;
    try {
      const start = this.#options.monotonicMillis();
      const report = await source.getStats();
      const atMillis = this.#options.monotonicMillis();
      const ticks = (atMillis - start) / (this.#statsIntervalMillis * SLOW_PART);
      polled.ticksOut = Math.min(MOST_TICKS_OUT, Math.floor(ticks));
      await this.#queue.run(() => {
        if (!this.#polled.has(connection)) return;
        const state = stateOf(source, "connectionState");
        const entries = reader.read(report);
        const posted = { atMillis, entries, ...(state === undefined ? {} : { connectionState: state }) };
        this.#read.push({ connection, report: posted });
      });
    } catch {
      // A connection that fails has no report; the next tick asks again.
    } finally {
      polled.isUnderWay = false;
    }
  }

  #post(): void {
    const read = this.#read;
    if (read.length === 0) return;
    this.#read = [];
    this.#options.post(read);
  }
}
