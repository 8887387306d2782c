/** The bench's side of the fleet process. */
import { type ChildProcess, fork } from "node:child_process";
import { askProcess } from "./ask-process.ts";
import type { FleetMade, FleetOrder } from "./fleet-process.ts";
import type { SendResult } from "./send-round.ts";

const CONNECTIONS = 8;
const SEND_MAX_MILLIS = 600_000;

/** Makes and sends the load in a process of its own. */
export class FleetSender {
  readonly #process: ChildProcess = fork(new URL("fleet-process.ts", import.meta.url));

  /** Begins a run whose services started at `startMillis`. */
  async begin(serviceCount: number, startMillis: number): Promise<void> {
    await this.#ask({ order: "begin", serviceCount, startMillis });
  }

  /** Makes the bodies of so many exports of every service. */
  make(passes: number): Promise<FleetMade> {
    return this.#ask({ order: "make", passes });
  }

  /** Sends the bodies made last, an equal share to each of the receivers. */
  send(urls: readonly string[]): Promise<SendResult> {
    return this.#ask({ order: "send", urls, connections: CONNECTIONS, maxMillis: SEND_MAX_MILLIS });
  }

  /** Ends the process. */
  end(): void {
    this.#process.disconnect();
  }

  #ask<T>(order: FleetOrder): Promise<T> {
    return askProcess<T>(this.#process, "fleet", order);
  }
}
