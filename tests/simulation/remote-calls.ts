/**
 * Calls of a process to a server of a simulation: they take time, and anything between them may be lost. A call is carried out
 * once at most, and may be carried out after its caller has given it up.
 */
import { retryable, type Result } from "../../src/model/result.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { Trace } from "./trace.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** What calls reach. A server that starts again or is replaced is another one: connections do not survive. */
export interface SimulatedServer {
  readonly name: string;
  /** Whether this very process still runs. */
  readonly alive: boolean;
  /** Whether packets reach it. */
  readonly reachable: boolean;
  /** Why it does not carry out an operation, if so. */
  refusal(operation: string): string | undefined;
}

/** How likely it is that a call goes wrong, by how. */
export interface CallFaults {
  readonly requestLost: number;
  readonly replyLost: number;
  /** The request arrives when its caller has long given up. */
  readonly late: number;
  /** A way takes up to as long as an answer is waited for. */
  readonly slow: number;
}

/** A network without faults. */
export const NO_CALL_FAULTS: CallFaults = { requestLost: 0, replyLost: 0, late: 0, slow: 0.02 };

/** How long an answer is waited for. */
const CALL_TIMEOUT_MILLIS = 2000;
/** How many calls are answered without any other event in between. */
const ANSWERED_AT_ONCE = 0.6;

/** Carries calls. */
export class RemoteCalls {
  faults: CallFaults = NO_CALL_FAULTS;
  readonly #time: VirtualTime;
  readonly #random: SeededRandom;
  readonly #trace: Trace;

  constructor(time: VirtualTime, random: SeededRandom, trace: Trace) {
    this.#time = time;
    this.#random = random;
    this.#trace = trace;
  }

  /** Carries one call; `what` tells the trace its arguments. */
  call<T>(
    process: SimulatedProcess,
    server: SimulatedServer,
    operation: string,
    what: string,
    execute: () => Result<T>,
  ): Promise<Result<T>> {
    const perform = (): Result<T> => {
      const refusal = server.refusal(operation);
      const result = refusal === undefined ? execute() : unavailable(refusal);
      this.#trace.note(() => `${process.name} ${server.name} ${operation} ${what}: ${outcome(result)}`);
      return result;
    };
    if (!server.alive) return Promise.resolve(unavailable("connection refused"));
    if (server.reachable && this.#random.chance(ANSWERED_AT_ONCE)) return Promise.resolve(perform());
    return new Promise((resolve) => this.#send(process, server, perform, resolve));
  }

  #send<T>(
    process: SimulatedProcess,
    server: SimulatedServer,
    perform: () => Result<T>,
    resolve: (result: Result<T>) => void,
  ): void {
    const { requestLost, replyLost, late } = this.faults;
    const answer = (result: Result<T>): void => process.enter(() => resolve(result));
    const timeout = this.#time.after(CALL_TIMEOUT_MILLIS, () => answer(unavailable("no answer in time")));
    if (this.#random.chance(requestLost)) return;
    const isLate = this.#random.chance(late);
    const isReplyLost = this.#random.chance(replyLost);
    this.#time.after(this.#delay(isLate), () => {
      // A connection that was cut tells its client; packets that go nowhere do not.
      if (!server.alive) answer(unavailable("connection cut"));
      if (!server.alive || !server.reachable) return;
      const result = perform();
      if (isReplyLost) return;
      this.#time.after(this.#delay(false), () => {
        if (!server.reachable) return;
        timeout.clear();
        // A server that has died since may have sent it before.
        answer(server.alive || this.#random.chance(0.5) ? result : unavailable("connection cut"));
      });
    });
  }

  #delay(isLate: boolean): number {
    if (isLate) return this.#random.spread(CALL_TIMEOUT_MILLIS, 20_000);
    return this.#random.chance(this.faults.slow)
      ? this.#random.spread(200, CALL_TIMEOUT_MILLIS - 1)
      : this.#random.spread(0.1, 200);
  }
}

function unavailable(reason: string): Result<never> {
  return retryable("unavailable", `simulated: ${reason}`);
}

function outcome(result: Result<unknown>): string {
  if (result.kind !== "success") return `${result.kind} ${result.reason}`;
  return result.value === undefined ? "done" : short(result.value);
}

function short(value: unknown): string {
  const text = JSON.stringify(value, (key, part: unknown) => {
    if (key === "body" || key === "bodyHash" || key === "state" || key === "entries") return undefined;
    return typeof part === "bigint" ? String(part) : part;
  });
  return text.length > 160 ? `${text.slice(0, 160)}…` : text;
}
