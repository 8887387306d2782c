/** What all senders of a simulation have in common. */
import type { TestMetric, TestNumberPoint } from "../support/otlp-request.ts";
import type { Accounting } from "./accounting.ts";
import { incrementOf, MOST_INCREMENTS } from "./series-bits.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { SenderNetwork } from "./sender-network.ts";
import type { VirtualTime } from "./virtual-time.ts";
import { BEGIN } from "../aggregate/owner-world.ts";

/** Sends until it is told to finish, and then until all it has was acknowledged. */
export interface Sender {
  start(): void;
  /** No more is measured; what there is must be acknowledged. */
  finish(): void;
  readonly isDone: boolean;
}

/** What senders work with. */
export interface SenderWorld {
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  readonly network: SenderNetwork;
  readonly accounting: Accounting;
}

/** Increments by the name of their series. */
export type Increments = readonly (readonly [series: string, increments: bigint])[];

/** Gives the increments of one series, each once. */
export class IncrementSource {
  #used = 0;

  /** The next increment, or `undefined` when all are used. */
  next(): bigint | undefined {
    return this.#used < MOST_INCREMENTS ? incrementOf(this.#used++) : undefined;
  }
}

/** Now, by the clock of senders: nanoseconds since the Unix epoch. */
export function senderNanos(time: VirtualTime): bigint {
  return BigInt(BEGIN) * 1_000_000_000n + BigInt(Math.round(time.nowMillis * 1000)) * 1000n;
}

/** A point too old to be counted: its metric has one now and then, and the rest must not suffer. */
export function refusedPoint(now: bigint): TestNumberPoint {
  const time = now - 72n * 3_600_000_000_000n;
  return {
    attributes: { "http.route": "/refused", "network.io.direction": "transmit" },
    start: time - 1n,
    time,
    value: 1n,
  };
}

/** The metric that senders send. */
export function ioMetric(temporality: "delta" | "cumulative", sum: readonly TestNumberPoint[]): TestMetric {
  return { name: "bandwidth.http.server.io", unit: "By", temporality, sum };
}
