/**
 * A page in a meeting, as a browser's would behave: a socket to whichever bridge is there, one export at a time, the
 * same again until it is acknowledged. It leaves after some exports and another participant comes in its place, so that
 * what was acknowledged last is not repeated by anything that follows.
 */
import { setTimeout as pause } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import type { Socket } from "socket.io-client";
import type { Journal } from "./journal.ts";
import type { Sender } from "./load.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { Amounts, PointRecord } from "./service-batches.ts";
import { pageSeries } from "./stored-totals.ts";
import { type BridgeAnswer, bridgeSocket, connected } from "../support/bridge-client.ts";
import { otlpRequest, type TestAttributes, type TestMetric } from "../support/otlp-request.ts";

/** How a page is made. */
export interface PageOptions {
  /** Of what stands before the bridges. */
  readonly bridgeOrigin: string;
  readonly journal: Journal;
  readonly random: SeededRandom;
  /** Tells it from other pages. */
  readonly name: string;
  readonly meeting: string;
  /** Gives the token of a participant. */
  readonly token: (meeting: string, participant: string) => Promise<string>;
  /** An answer that takes longer counts as none, milliseconds. */
  readonly timeout: number;
  /** The longest pause between two exports, milliseconds. */
  readonly mostPause: number;
}

/** A counter of a page. */
interface Stream {
  readonly metric: string;
  readonly unit: string;
  readonly attributes: TestAttributes;
  /** The columns it adds to. */
  readonly columns: readonly string[];
}

const RECEIVE = { "network.io.direction": "receive" };
const TRANSMIT = { "network.io.direction": "transmit" };
const STREAMS: readonly Stream[] = [
  { metric: "webrtc.io", unit: "By", attributes: { ...RECEIVE, "webrtc.relay": false }, columns: ["bytes_in"] },
  {
    metric: "webrtc.io",
    unit: "By",
    attributes: { ...TRANSMIT, "webrtc.relay": true, "webrtc.relay.protocol": "udp" },
    columns: ["bytes_out", "relay_bytes"],
  },
  {
    metric: "webrtc.wire.io",
    unit: "By",
    attributes: { ...RECEIVE, "webrtc.relay": false },
    columns: ["wire_bytes_in"],
  },
  { metric: "webrtc.packets", unit: "{packet}", attributes: RECEIVE, columns: ["packets_in"] },
  { metric: "webrtc.packets", unit: "{packet}", attributes: TRANSMIT, columns: ["packets_out"] },
];
const MOST_EXPORTS = 8;
const RETRY_MILLIS = 100;

/** An export. Sent again it is the same bytes. */
interface Export {
  readonly name: string;
  readonly body: Buffer;
  readonly points: readonly PointRecord[];
}

/** One participant of a meeting, and who comes after. */
export class Page implements Sender {
  readonly #options: PageOptions;
  #socket: Socket | undefined;
  #participants = 0;
  #ending = false;
  #gaveUp = false;
  #parked = false;
  #paused: Promise<void> | undefined;
  #resume: (() => void) | undefined;

  constructor(options: PageOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    while (!this.#ending) await this.#visit();
    this.#parked = true;
  }

  end(): void {
    this.#ending = true;
    this.resume();
  }

  giveUp(): void {
    this.#gaveUp = true;
    this.end();
    this.#leave();
  }

  get parked(): boolean {
    return this.#parked;
  }

  hold(): void {
    this.#paused ??= new Promise((resolve) => (this.#resume = resolve));
  }

  resume(): void {
    this.#resume?.();
    this.#paused = undefined;
    this.#resume = undefined;
  }

  /** One participant, from the first export to the last. */
  async #visit(): Promise<void> {
    const { random, name, meeting, mostPause } = this.#options;
    const participant = `${name}-${this.#participants++}`;
    const exports = new PageExports(meeting, participant, random);
    for (let left = random.integer(1, MOST_EXPORTS); left > 0 && !this.#ending; left--) {
      await this.#deliver(participant, exports.next());
      await pause(random.integer(0, mostPause));
      this.#parked = this.#paused !== undefined;
      await this.#paused;
      this.#parked = false;
    }
    this.#leave();
  }

  async #deliver(participant: string, made: Export): Promise<void> {
    const { journal } = this.#options;
    while (!this.#gaveUp) {
      const answer = await this.#send(participant, made.body);
      journal.note(made, answer.ok ? DONE : answer.error === undefined ? NO_ANSWER : REFUSED);
      if (answer.ok) {
        journal.acknowledge(made, 0);
        return;
      }
      if (answer.retryable === false) throw new Error(`${made.name} was refused: ${answer.error}`);
      await pause(RETRY_MILLIS);
    }
  }

  /** Connects where there is no connection. An answer without anything: none came. */
  async #send(participant: string, body: Buffer): Promise<BridgeAnswer> {
    const { timeout } = this.#options;
    try {
      this.#socket ??= await this.#join(participant);
      return (await this.#socket.timeout(timeout).emitWithAck("metrics", body)) as BridgeAnswer;
    } catch {
      this.#leave();
      return {};
    }
  }

  async #join(participant: string): Promise<Socket> {
    const { bridgeOrigin, meeting, token, timeout } = this.#options;
    const socket = bridgeSocket(bridgeOrigin, "/webrtc", await token(meeting, participant), { timeout });
    try {
      await Promise.race([connected(socket), late(timeout)]);
    } catch (error) {
      socket.disconnect();
      throw error;
    }
    // What waits for its answer then is answered by nobody.
    socket.once("disconnect", () => {
      if (this.#socket === socket) this.#socket = undefined;
    });
    return socket;
  }

  #leave(): void {
    this.#socket?.disconnect();
    this.#socket = undefined;
  }
}

/** A bridge that is held still takes the connection and says nothing. */
async function late(millis: number): Promise<never> {
  await pause(millis);
  throw new Error("the bridge did not let the page in");
}

const DONE = { kind: "answer", status: 200, rejectedPoints: 0 } as const;
const REFUSED = { kind: "answer", status: 503, rejectedPoints: 0 } as const;
const NO_ANSWER = { kind: "broken", reason: "the bridge did not answer" } as const;

/** What one participant exports: counters that grow with every export. */
class PageExports {
  readonly #meeting: string;
  readonly #participant: string;
  readonly #random: SeededRandom;
  readonly #start: bigint = BigInt(Date.now()) * 1_000_000n;
  readonly #values: bigint[] = STREAMS.map(() => 0n);
  #count = 0;

  constructor(meeting: string, participant: string, random: SeededRandom) {
    this.#meeting = meeting;
    this.#participant = participant;
    this.#random = random;
  }

  next(): Export {
    const series = pageSeries(this.#meeting, this.#participant);
    const time = this.#start + BigInt(++this.#count) * 1_000_000_000n;
    const points: PointRecord[] = [];
    const metrics = STREAMS.map(({ metric, unit, attributes, columns }, at): TestMetric => {
      const value = (this.#values[at] = this.#values[at]! + BigInt(this.#random.integer(1, 100_000)));
      const amounts: Amounts = Object.fromEntries(columns.map((column) => [column, value]));
      points.push({ temporality: "cumulative", stream: `${series}|${at}`, series, timeMillis: undefined, amounts });
      return { name: metric, unit, sum: [{ attributes, start: this.#start, time, value }] };
    });
    const attributes = { "service.name": "meeting", "service.instance.id": this.#participant };
    const plain = otlpRequest([{ attributes, metrics }]);
    const body = this.#random.chance(0.5) ? gzipSync(plain) : Buffer.from(plain);
    return { name: `${this.#participant}#${this.#count}`, body, points };
  }
}
