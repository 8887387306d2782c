/**
 * Main thread: asks the connections for their reports, one call a connection at a time, reads them in slices and hands them
 * on. A connection whose browser answers slowly is asked less often. Nothing here throws into the page.
 */
import { ReportReader, type StatsReport } from "./report-reader.ts";
import { SliceQueue, type SliceQueueOptions } from "./slice-queue.ts";
import type { PostedReport } from "./stats-entry.ts";

/** The part of `RTCPeerConnection` that is used. */
export interface PeerConnection {
  getStats(): Promise<StatsReport>;
  readonly connectionState?: string;
}

/** Connections followed at once; more are not measured. */
export const MAX_POLLED = 500;

/** A call that takes longer than this part of the interval makes the connection sit out ticks. */
const SLOW_PART = 0.1;
const MOST_TICKS_OUT = 10;

/** What the poller needs. */
export interface StatsPollerOptions extends SliceQueueOptions {
  readonly post: (connection: number, report: PostedReport) => void;
  readonly statsIntervalMillis: number;
}

interface Polled {
  readonly source: PeerConnection;
  readonly reader: ReportReader;
  /** The call under way. */
  call: Promise<void> | undefined;
  ticksOut: number;
}

/** Polls the connections of a page. */
export class StatsPoller {
  readonly #options: StatsPollerOptions;
  readonly #queue: SliceQueue;
  readonly #polled = new Map<number, Polled>();
  #statsIntervalMillis: number;

  constructor(options: StatsPollerOptions) {
    this.#options = options;
    this.#queue = new SliceQueue(options);
    this.#statsIntervalMillis = options.statsIntervalMillis;
  }

  /** Another interval from now on. */
  setInterval(statsIntervalMillis: number): void {
    this.#statsIntervalMillis = statsIntervalMillis;
  }

  /** Follows a connection and takes its first report. @returns whether there was room */
  add(connection: number, source: PeerConnection): boolean {
    if (this.#polled.size >= MAX_POLLED) return false;
    const polled: Polled = { source, reader: new ReportReader(), call: undefined, ticksOut: 0 };
    this.#polled.set(connection, polled);
    void this.#call(connection, polled);
    return true;
  }

  /** Takes a last report and forgets the connection. Resolves when the report is handed on; never rejects. */
  async remove(connection: number): Promise<void> {
    const polled = this.#polled.get(connection);
    if (polled === undefined) return;
    await polled.call;
    await this.#call(connection, polled);
    this.#polled.delete(connection);
  }

  /** The connections that the browser has closed. */
  closed(): number[] {
    return [...this.#polled].filter(([, { source }]) => source.connectionState === "closed").map(([id]) => id);
  }

  /** Asks every connection that is due. Resolves when all have answered; one that does not is not asked again until it has. */
  async tick(): Promise<void> {
    const calls: Promise<void>[] = [];
    for (const [connection, polled] of this.#polled) {
      if (polled.ticksOut > 0) polled.ticksOut -= 1;
      else if (polled.call === undefined) calls.push(this.#call(connection, polled));
    }
    await Promise.all(calls);
  }

  #call(connection: number, polled: Polled): Promise<void> {
    const call = this.#take(connection, polled).catch(() => undefined);
    polled.call = call.finally(() => {
      polled.call = undefined;
    });
    return polled.call;
  }

  async #take(connection: number, { source, reader }: Polled): Promise<void> {
    const start = this.#options.monotonicMillis();
    const report = await source.getStats();
    const atMillis = this.#options.monotonicMillis();
    const ticks = (atMillis - start) / (this.#statsIntervalMillis * SLOW_PART);
    const polled = this.#polled.get(connection);
    if (polled !== undefined) polled.ticksOut = Math.min(MOST_TICKS_OUT, Math.floor(ticks));
    await this.#queue.run(() => {
      const state = source.connectionState;
      const entries = reader.read(report);
      this.#options.post(connection, { atMillis, entries, ...(state === undefined ? {} : { connectionState: state }) });
    });
  }
}
