/**
 * From the socket to SQL: the receiver with its Redis and its MariaDB against an OpenTelemetry Collector that decodes the
 * same bodies and drops them. Round by round, in turns; CPU seconds of every process that a side needs are counted.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ChildServer } from "./child-server.ts";
import { type Collector, findCollector, startCollector } from "./collector.ts";
import { processCost } from "./cpu-seconds.ts";
import { type PayloadName, PAYLOADS } from "./payloads.ts";
import { type ReceiverCost, ReceiverUnderLoad } from "./receiver-under-load.ts";
import type { SendResult } from "./send-round.ts";
import { Sender } from "./sender.ts";
import { median, megabytes, thousands, thousandsWithSpread } from "./statistics.ts";

/** How the bench is run. */
export interface PipelineOptions {
  readonly payload: PayloadName;
  readonly rounds: number;
  /** How much is sent in a round: about what one core takes in this time. */
  readonly seconds: number;
  readonly connections: number;
  /** How often the receiver writes its totals. */
  readonly persistMillis: number;
  /** Without the receiver: the baseline alone. */
  readonly baselineOnly: boolean;
  /** The Collector with a batch processor. */
  readonly batch: boolean;
}

/** What one side did in one round. */
interface RoundFigures {
  readonly pointsPerCpuSecond: number;
  readonly detail: string;
}

const SEND_MAX_MILLIS = 120_000;
const PERSIST_MARGIN_MILLIS = 60_000;

/** Runs the bench and prints its figures. Returns false when a body was lost, refused or counted wrong. */
export async function benchPipeline(options: PipelineOptions): Promise<boolean> {
  const directory = mkdtempSync(join(tmpdir(), "bench-pipeline-"));
  const running: Pick<ChildServer, "stop">[] = [];
  const sender = new Sender();
  try {
    const executable = findCollector();
    const collector = executable && (await startCollector(executable, directory, options.batch));
    if (collector) running.push(collector);
    const receiver = options.baselineOnly ? undefined : await ReceiverUnderLoad.start(directory, options.persistMillis);
    if (receiver) running.push(receiver);
    return await new Run(options, sender, collector || undefined, receiver).all();
  } finally {
    sender.end();
    for (const server of running) await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

class Run {
  readonly #options: PipelineOptions;
  readonly #sender: Sender;
  readonly #collector: Collector | undefined;
  readonly #receiver: ReceiverUnderLoad | undefined;
  readonly #requests: number;
  #pointsPerRequest = 0;
  #pointsSent = 0;
  #sound = true;

  constructor(
    options: PipelineOptions,
    sender: Sender,
    collector: Collector | undefined,
    receiver: ReceiverUnderLoad | undefined,
  ) {
    this.#options = options;
    this.#sender = sender;
    this.#collector = collector;
    this.#receiver = receiver;
    this.#requests = Math.max(1, Math.round(options.seconds * PAYLOADS[options.payload].requestsPerSecond));
  }

  async all(): Promise<boolean> {
    const { payload, rounds } = this.#options;
    const all = this.#requests * (rounds + 1);
    this.#pointsPerRequest = await this.#sender.begin(payload, all, Date.now());
    console.log(`payload ${payload}: ${PAYLOADS[payload].meaning}; ${this.#requests} requests a round`);
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round <= rounds; round += 1) {
      const { bytesPerRequest, totals } = await this.#sender.make(this.#requests);
      if (round === 0) console.log(`${bytesPerRequest} bytes a request, gzip`);
      const sides = [() => this.#collectorRound(), () => this.#receiverRound()];
      const swapped = round % 2 === 1;
      const first = await sides[swapped ? 1 : 0]!();
      const second = await sides[swapped ? 0 : 1]!();
      const [baseline, receiver] = swapped ? [second, first] : [first, second];
      this.#print(round, baseline, receiver);
      // Nothing is warm in the first round.
      if (round > 0 && baseline) theirs.push(baseline.pointsPerCpuSecond);
      if (round > 0 && receiver) ours.push(receiver.pointsPerCpuSecond);
      if (round === rounds) await this.#compareTotals(totals);
    }
    this.#summary(ours, theirs);
    return this.#sound;
  }

  async #collectorRound(): Promise<RoundFigures | undefined> {
    if (this.#collector === undefined) return undefined;
    const before = processCost(this.#collector.pid);
    const result = await this.#send("collector", this.#collector.url);
    const after = processCost(this.#collector.pid);
    const cpuSeconds = after.cpuSeconds - before.cpuSeconds;
    const detail = `${cpuSeconds.toFixed(2)} CPU-s, ${megabytes(after.peakBytes)}, ${result.seconds.toFixed(1)} s`;
    return { pointsPerCpuSecond: this.#pointsOf(result) / cpuSeconds, detail };
  }

  async #receiverRound(): Promise<RoundFigures | undefined> {
    if (this.#receiver === undefined) return undefined;
    const before = this.#receiver.cost();
    const result = await this.#send("receiver", this.#receiver.url);
    this.#pointsSent += this.#pointsOf(result);
    const maxMillis = this.#options.persistMillis + PERSIST_MARGIN_MILLIS;
    await this.#receiver.untilPersisted(this.#pointsSent, maxMillis);
    const after = this.#receiver.cost();
    const spent = (part: keyof ReceiverCost): number => after[part].cpuSeconds - before[part].cpuSeconds;
    const cpuSeconds = spent("receiver") + spent("redis") + spent("sql");
    const parts = `receiver ${spent("receiver").toFixed(2)} + redis ${spent("redis").toFixed(2)} + sql ${spent("sql").toFixed(2)} CPU-s`;
    const detail = `${parts}, receiver ${megabytes(after.receiver.peakBytes)}, ${result.seconds.toFixed(1)} s, ${result.overloaded} x 503`;
    return { pointsPerCpuSecond: this.#pointsOf(result) / cpuSeconds, detail };
  }

  async #send(name: string, url: string): Promise<SendResult> {
    const { connections } = this.#options;
    const result = await this.#sender.send({ url, connections, maxMillis: SEND_MAX_MILLIS });
    if (result.accepted !== this.#requests || result.partial > 0) {
      this.#sound = false;
      console.log(`${name}: not everything was accepted: ${JSON.stringify(result)}`);
    }
    return result;
  }

  #pointsOf(result: SendResult): number {
    return result.accepted * this.#pointsPerRequest;
  }

  async #compareTotals(totals: Parameters<ReceiverUnderLoad["differences"]>[0]): Promise<void> {
    if (this.#receiver === undefined) return;
    const differences = await this.#receiver.differences(totals);
    console.log(differences.length === 0 ? "totals in SQL: equal to what was sent" : differences.join("\n"));
    if (differences.length > 0) this.#sound = false;
  }

  #print(round: number, baseline: RoundFigures | undefined, receiver: RoundFigures | undefined): void {
    const name = round === 0 ? "warm-up" : `round ${round}`;
    if (baseline)
      console.log(`${name}: collector ${thousands(baseline.pointsPerCpuSecond)} points/CPU-s (${baseline.detail})`);
    if (receiver)
      console.log(`${name}: receiver  ${thousands(receiver.pointsPerCpuSecond)} points/CPU-s (${receiver.detail})`);
  }

  #summary(ours: readonly number[], theirs: readonly number[]): void {
    if (theirs.length > 0) console.log(`collector: ${thousandsWithSpread(theirs)} points per CPU-second`);
    if (ours.length > 0)
      console.log(`receiver:  ${thousandsWithSpread(ours)} points per CPU-second, databases included`);
    if (ours.length === 0 || theirs.length === 0) return;
    const ratios = ours.map((value, index) => value / theirs[index]!);
    console.log(
      `ratio: ${median(ratios).toFixed(2)} [${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}]`,
    );
  }
}
