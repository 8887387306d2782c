/** The bench's side of the sender process. */
import { type ChildProcess, fork } from "node:child_process";
import { askProcess } from "./ask-process.ts";
import type { PayloadName } from "./payloads.ts";
import type { SenderOrder } from "./sender-process.ts";
import type { SendOptions, SendResult } from "./send-round.ts";
import type { ServiceTotals } from "./service-metrics.ts";

/** Makes and sends the load in a process of its own. */
export class Sender {
  readonly #process: ChildProcess = fork(new URL("sender-process.ts", import.meta.url));

  /** Begins a run whose services started at `startMillis`; returns the points of each request. */
  async begin(payload: PayloadName, requestCount: number, startMillis: number): Promise<number> {
    const answer = await this.#ask<{ pointsPerRequest: number }>({
      order: "begin",
      payload,
      requestCount,
      startMillis,
    });
    return answer.pointsPerRequest;
  }

  /** Makes the bodies of the next round; returns their mean size and what the run adds up to with them. */
  make(requestCount: number): Promise<{ bytesPerRequest: number; totals: ServiceTotals }> {
    return this.#ask({ order: "make", requestCount });
  }

  /** Sends the bodies made last. */
  send(options: SendOptions): Promise<SendResult> {
    return this.#ask({ order: "send", options });
  }

  /** Ends the process. */
  end(): void {
    this.#process.disconnect();
  }

  #ask<T>(order: SenderOrder): Promise<T> {
    return askProcess<T>(this.#process, "sender", order);
  }
}
