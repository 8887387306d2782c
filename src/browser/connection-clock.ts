/**
 * Worker: the connected time of a page. A second counts once, however many connections there are: relayed if any of them is,
 * with the quality of the worst.
 */
import type { MetricSink } from "./metric-sink.ts";
import { type QualityLevel, worstLevel } from "./quality-level.ts";

/** What counts of one connection. */
export interface ConnectionStanding {
  readonly connected: boolean;
  /** Whether any of its selected pairs is relayed by us. */
  readonly relayed: boolean;
  readonly level: QualityLevel;
}

/** The page as a whole. */
export interface PageStanding {
  readonly connected: boolean;
  readonly relayed: boolean;
  readonly level: QualityLevel;
}

/** A gap longer than this, milliseconds, was a machine asleep: ICE consent ends after it (RFC 7675), and the relay with it. */
export const LONGEST_GAP_MILLIS = 30_000;

/** All connections as one. */
export function standingOf(connections: Iterable<ConnectionStanding>): PageStanding {
  const connected = [...connections].filter((connection) => connection.connected);
  return {
    connected: connected.length > 0,
    relayed: connected.some(({ relayed }) => relayed),
    level: worstLevel(connected.map(({ level }) => level)),
  };
}

/** Counts connected time. */
export class ConnectionClock {
  #lastMillis: number | undefined;
  #standing: PageStanding | undefined;

  /**
   * Counts the time since the last call, if the page was connected then: as what it is now, since that was measured over this
   * very time, and so that a change is in the export that it sets off; as what it was, if it is connected no more.
   * @param nowMillis of a clock that never goes back
   */
  advance(nowMillis: number, standing: PageStanding, sink: MetricSink): void {
    const last = this.#standing;
    const elapsed = Math.min(nowMillis - (this.#lastMillis ?? nowMillis), LONGEST_GAP_MILLIS);
    this.#lastMillis = nowMillis;
    this.#standing = standing;
    if (last?.connected !== true || elapsed <= 0) return;
    const { level, relayed } = standing.connected ? standing : last;
    sink.add("webrtc.connection.time", elapsed / 1_000, { "webrtc.quality": level, "webrtc.relay": relayed });
  }
}
