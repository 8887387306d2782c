/** What lies between senders and receivers: requests and replies are lost, doubled, delayed and overtake each other. */
import type { OtlpAcceptance, OtlpRequest } from "../../src/model/otlp-exchange.ts";
import type { Result } from "../../src/model/result.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { Trace } from "./trace.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** Where a request may be delivered: one life of a receiver. */
export interface RequestTarget {
  readonly process: SimulatedProcess;
  accept(request: OtlpRequest): Promise<Result<OtlpAcceptance>>;
}

/** How likely it is that a message goes wrong, by how. */
export interface NetworkFaults {
  readonly lost: number;
  readonly doubled: number;
  readonly late: number;
}

/** A network without faults. */
export const NO_NETWORK_FAULTS: NetworkFaults = { lost: 0, doubled: 0, late: 0 };

/** What a sender learns: that it was accepted, or that it must send again. */
export type SenderAnswer = "accepted" | "again";

/** How long a sender waits for an answer. */
const ANSWER_TIMEOUT_MILLIS = 4000;

/** Carries requests. */
export class SenderNetwork {
  faults: NetworkFaults = NO_NETWORK_FAULTS;
  readonly #time: VirtualTime;
  readonly #random: SeededRandom;
  readonly #trace: Trace;
  readonly #targets: () => readonly RequestTarget[];
  readonly #fail: (reason: string) => void;
  #requests = 0;

  /** `targets`: the receivers that run now; a load balancer picks one. */
  constructor(
    time: VirtualTime,
    random: SeededRandom,
    trace: Trace,
    targets: () => readonly RequestTarget[],
    fail: (reason: string) => void,
  ) {
    this.#time = time;
    this.#random = random;
    this.#trace = trace;
    this.#targets = targets;
    this.#fail = fail;
  }

  /** Sends a request; `answered` is called once. */
  post(sender: string, body: Uint8Array, answered: (answer: SenderAnswer) => void): void {
    const name = `${sender} request ${++this.#requests}`;
    let isOpen = true;
    const answer = (text: string, kind: SenderAnswer): void => {
      if (!isOpen) return;
      isOpen = false;
      this.#trace.note(() => `${name}: ${text}`);
      answered(kind);
    };
    this.#time.after(ANSWER_TIMEOUT_MILLIS, () => answer("no answer", "again"));
    this.#trace.note(() => `${name}: sent, ${body.length} bytes`);
    const copies = this.#random.chance(this.faults.doubled) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      this.#carry(() => this.#deliver(name, body, (text, kind) => this.#carry(() => answer(text, kind))));
    }
  }

  #carry(arrives: () => void): void {
    const { lost, late } = this.faults;
    if (this.#random.chance(lost)) return;
    const delay = this.#random.chance(late) ? this.#random.spread(500, 20_000) : this.#random.spread(0.1, 100);
    this.#time.after(delay, arrives);
  }

  #deliver(name: string, body: Uint8Array, answer: (text: string, kind: SenderAnswer) => void): void {
    const targets = this.#targets();
    if (targets.length === 0) {
      answer("connection refused", "again");
      return;
    }
    const target = this.#random.pick(targets);
    const { process } = target;
    process.enter(() => {
      this.#trace.note(() => `${name}: at ${process.name}`);
      void this.#handle(name, target, body, answer);
    });
  }

  async #handle(
    name: string,
    target: RequestTarget,
    body: Uint8Array,
    answer: (text: string, kind: SenderAnswer) => void,
  ): Promise<void> {
    const receivedAtMillis = target.process.nowMillis();
    const result = await target.accept({ contentType: "protobuf", encoding: "identity", body, receivedAtMillis });
    if (result.kind === "failure") this.#fail(`${name}: answered for ever with ${result.code} ${result.reason}`);
    else if (result.kind === "success") answer("2xx", "accepted");
    else answer(`503 ${result.reason}`, "again");
  }
}
