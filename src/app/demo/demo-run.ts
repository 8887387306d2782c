/**
 * One run of the demo, from start to comparison: receiver, sample API, load; then all of it ended in order, so that nothing
 * is under way when the totals are read.
 */
import { randomBytes } from "node:crypto";
import type { Listening } from "../pipeline.ts";
import { compareTotals, comparisonTable, type Comparison } from "./compare.ts";
import { createDemoReceiver, readLive, untilReady, type DemoReceiver } from "./demo-receiver.ts";
import type { Interruption } from "./interruption.ts";
import { LiveDisplay } from "./live-display.ts";
import { runLoad, type LoadOutcome } from "./load.ts";
import { requestPlan, seededRandom } from "./request-plan.ts";
import { startSampleProcess, type SampleProcess } from "./sample-process.ts";
import { settledTotals } from "./settled-totals.ts";
import { WriteStatements } from "./write-statements.ts";

/** What a run is made with. */
export interface DemoRunOptions {
  /** How long the load lasts. */
  readonly totalSeconds: number;
  readonly environment: NodeJS.ProcessEnv;
  readonly output: NodeJS.WriteStream;
  readonly interruption: Interruption;
}

const REQUESTS_PER_SECOND = 150;
const CONNECTIONS = 16;
const SEED = 1;
const EXPORT_INTERVAL_MILLIS = 2000;
const SERVICE = "demo-api";

/** A run. */
export class DemoRun {
  readonly #options: DemoRunOptions;
  readonly #made: DemoReceiver;
  /** Tells this run's rows from those of earlier runs in the same store. */
  readonly #namespace: string = `demo-${randomBytes(4).toString("hex")}`;
  #display: LiveDisplay | undefined;
  #sample: SampleProcess | undefined;
  #keepFolder = false;

  /** Opens the stores. Throws a usage error for wrong settings, an Error when a store cannot be opened. */
  constructor(options: DemoRunOptions) {
    this.#options = options;
    this.#made = createDemoReceiver(options.environment, (message) => this.#print(`receiver: ${message}`));
  }

  /** Runs to the end: whether every byte was stored. Rejects when it could not run, or was interrupted. */
  async run(): Promise<boolean> {
    const { receiver } = this.#made;
    try {
      const listening = await receiver.start();
      await untilReady(listening, this.#options.interruption.signal);
      const startSeconds = Math.floor(Date.now() / 1000);
      const writes = new WriteStatements(() => receiver.statementCounts().writes);
      writes.start();
      const outcome = await this.#load(listening);
      if (!(await this.#sample?.stop())) throw new Error("the sample API did not end in order");
      writes.end();
      await receiver.stop();
      const run = { namespace: this.#namespace, fromSeconds: startSeconds, toSeconds: Math.floor(Date.now() / 1000) };
      const stored = await settledTotals(receiver.settings, run, outcome.totals, (line) => this.#print(line));
      return this.#conclude(outcome, compareTotals(outcome.totals, stored), writes);
    } finally {
      await this.#end();
    }
  }

  /** Starts the sample API and sends the load until its time is over. Rejects when either did not last that long. */
  async #load(listening: Listening): Promise<LoadOutcome> {
    const { totalSeconds, output, interruption } = this.#options;
    const sample = await startSampleProcess({
      otlpEndpoint: `http://127.0.0.1:${listening.otlpPort}`,
      service: SERVICE,
      namespace: this.#namespace,
      exportIntervalMillis: EXPORT_INTERVAL_MILLIS,
      report: (line) => this.#print(`sample API: ${line}`),
    });
    this.#sample = sample;
    await this.#announce(listening, sample);
    const startMillis = performance.now();
    this.#display = new LiveDisplay({
      output,
      live: () => readLive(listening),
      progress: () => ({ elapsedSeconds: (performance.now() - startMillis) / 1000, totalSeconds }),
    });
    const failed = new AbortController();
    void sample.ended.then((how) => failed.abort(new Error(how)));
    this.#display.start();
    const outcome = await runLoad({
      host: "127.0.0.1",
      port: sample.port,
      requestsPerSecond: REQUESTS_PER_SECOND,
      connections: CONNECTIONS,
      next: requestPlan(seededRandom(SEED)),
      stop: AbortSignal.any([interruption.signal, failed.signal, AbortSignal.timeout(totalSeconds * 1000)]),
    });
    this.#display.stop();
    interruption.signal.throwIfAborted();
    failed.signal.throwIfAborted();
    return outcome;
  }

  async #announce({ otlpPort, bridgePort }: Listening, sample: SampleProcess): Promise<void> {
    const { receiver } = this.#made;
    this.#print(`receiver    http://127.0.0.1:${otlpPort}/v1/metrics`);
    this.#print(`live page   http://127.0.0.1:${bridgePort}/ while the demo runs`);
    this.#print(`stores      log in ${receiver.storage.log}, totals in ${receiver.storage.totals}`);
    for (const warning of await receiver.warnings()) this.#print(`not durable ${warning}`);
    this.#print(`sample API  http://127.0.0.1:${sample.port}, run with node --import otel-bandwidth/register`);
    this.#print(`load        at most ${REQUESTS_PER_SECOND} requests/s on ${CONNECTIONS} connections`);
  }

  #conclude({ failedRequests, firstFailure }: LoadOutcome, comparison: Comparison, writes: WriteStatements): boolean {
    const equal = comparison.equal && failedRequests === 0;
    this.#keepFolder = !equal;
    this.#print("\nwhat the load counted, and beside it what is stored; bytes are bodies as they were sent\n");
    for (const line of comparisonTable(comparison)) this.#print(line);
    this.#print("");
    if (failedRequests > 0) this.#print(`${failedRequests} requests failed, the first: ${firstFailure}`);
    this.#print(
      comparison.equal
        ? "equal: every body byte that the load counted is in the totals, once"
        : "DIFFERENT: the totals are not what the load counted",
    );
    const { mysqlUrl } = this.#made.receiver.settings;
    this.#print(`${writes.summary()}${mysqlUrl === undefined ? " (SQLite: one a row)" : ""}`);
    this.#print(this.#whereStored());
    this.#print(
      "next: a call between two tabs, with its quality and its TURN bill: npm start in examples/webrtc-meeting",
    );
    return equal;
  }

  #whereStored(): string {
    const { receiver, temporaryFolder } = this.#made;
    const { settings, storage } = receiver;
    const where = `stored in ${storage.totals}, as service ${SERVICE} of namespace ${this.#namespace}`;
    if (settings.mysqlUrl !== undefined || temporaryFolder === undefined) return where;
    return this.#keepFolder ? `${where}; kept` : `${where}; deleted now, set DATA_DIR to keep it`;
  }

  async #end(): Promise<void> {
    this.#display?.stop();
    await this.#sample?.stop();
    await this.#made.receiver.stop();
    if (!this.#keepFolder) this.#made.removeFolder();
  }

  #print(line: string): void {
    if (this.#display) this.#display.print(line);
    else this.#options.output.write(`${line}\n`);
  }
}
