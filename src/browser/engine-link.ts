/**
 * Main thread: the link to the measuring side. A worker where one can be made; where not (content security policy, old
 * browser, by choice), the same code here. What was told before that is known is told again.
 */
import type { FromEngine, ToEngine } from "./monitor-messages.ts";
import { WORKER_SOURCE } from "./worker-source.ts";

/** The part of `Worker` that is used. */
interface WorkerLike {
  postMessage(message: ToEngine): void;
  terminate(): void;
  addEventListener(type: "message", listener: (event: { readonly data: FromEngine }) => void): void;
  addEventListener(type: "error", listener: (event: { preventDefault(): void }) => void): void;
}

interface WorkerGlobals {
  readonly Worker?: new (url: string) => WorkerLike;
}

/** Messages kept until somebody listens; a page that never gets that far keeps no more. */
const MAX_WAITING = 1_000;

/** How the engine is to run. */
export interface EngineLinkOptions {
  readonly receive: (message: FromEngine) => void;
  /** False: on the main thread. */
  readonly worker: boolean;
  /** The address of the worker's script, for pages whose policy allows no inlined one. */
  readonly workerUrl: string | undefined;
}

/** The link to an engine. */
export class EngineLink {
  readonly #options: EngineLinkOptions;
  #waiting: ToEngine[] = [];
  #deliver: ((message: ToEngine) => void) | undefined;
  #worker: WorkerLike | undefined;
  #inlinedUrl: string | undefined;
  #runsIn: "worker" | "main" | undefined;

  constructor(options: EngineLinkOptions) {
    this.#options = options;
    if (!options.worker || !this.#startWorker()) void this.#startHere();
  }

  /** Where the engine runs; `undefined` while that is not known. */
  get runsIn(): "worker" | "main" | undefined {
    return this.#runsIn;
  }

  /** Tells the engine. */
  tell(message: ToEngine): void {
    if (this.#deliver !== undefined) this.#deliver(message);
    else if (this.#waiting.length < MAX_WAITING) this.#waiting.push(message);
  }

  /** Ends the worker, if there is one. */
  end(): void {
    this.#endWorker();
    this.#deliver = () => undefined;
  }

  #startWorker(): boolean {
    const { Worker } = globalThis as unknown as WorkerGlobals;
    const { workerUrl } = this.#options;
    if (Worker === undefined || (workerUrl === undefined && WORKER_SOURCE === "")) return false;
    try {
      if (workerUrl === undefined) {
        this.#inlinedUrl = URL.createObjectURL(new Blob([WORKER_SOURCE], { type: "text/javascript" }));
      }
      const worker = new Worker(workerUrl ?? this.#inlinedUrl!);
      worker.addEventListener("message", ({ data }) => {
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker has no origin to choose
        if (data.kind === "ready") this.#connected("worker", (message) => worker.postMessage(message));
        this.#options.receive(data);
      });
      worker.addEventListener("error", (event) => {
        event.preventDefault();
        if (this.#runsIn !== undefined) return;
        // It may yet wake: two engines would count everything twice.
        this.#endWorker();
        void this.#startHere();
      });
      this.#worker = worker;
      return true;
    } catch {
      return false;
    }
  }

  async #startHere(): Promise<void> {
    try {
      const { startMainThreadEngine } = await import("./main-thread-engine.ts");
      const deliver = startMainThreadEngine((message) => this.#options.receive(message));
      this.#connected("main", deliver);
    } catch {
      // Nothing can be measured; the page goes on as if nothing were asked.
      this.#waiting = [];
      this.#deliver = () => undefined;
    }
  }

  #endWorker(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    if (this.#inlinedUrl !== undefined) URL.revokeObjectURL(this.#inlinedUrl);
    this.#inlinedUrl = undefined;
  }

  #connected(runsIn: "worker" | "main", deliver: (message: ToEngine) => void): void {
    this.#runsIn = runsIn;
    this.#deliver = deliver;
    for (const message of this.#waiting.splice(0)) deliver(message);
  }
}
