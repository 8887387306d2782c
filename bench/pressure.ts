/**
 * Memory under pressure: ten times the load, more bytes on their way than may be held, and a SQL server that stands still.
 * The receiver's resident memory is read while it happens; afterwards the totals in SQL must be what was sent.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LogKind, ReceiverUnderLoad } from "./receiver-under-load.ts";
import type { SendResult } from "./send-round.ts";
import { Sender } from "./sender.ts";
import type { ServiceTotals } from "./service-metrics.ts";
import { megabytes } from "./statistics.ts";

/** How the bench is run. */
export interface PressureOptions {
  readonly log: LogKind;
  /** Length of the calm and of the burst. */
  readonly seconds: number;
  /** How long the SQL server stands still. */
  readonly outageSeconds: number;
  readonly connections: number;
}

/** Requests a second of 40 services that export every second; each has 250 points. */
const CALM_RATE = 40;
const BURST_RATE = 10 * CALM_RATE;
const PERSIST_MILLIS = 5000;
/** Entries that the log holds: what comes in five seconds of ten times the load. */
const BUFFER_ENTRIES = 5 * BURST_RATE;
const SAMPLE_MILLIS = 100;
/** Longer than any outage: whatever is refused for now is sent until it is taken. */
const SEND_MAX_MILLIS = 3_600_000;
const RECOVERY_MAX_MILLIS = 180_000;
/** Requests made at a time: their bodies are held by the sender. */
const SLICE_REQUESTS = 2000;
/** Bodies that are begun and not ended: half as much again as may be held at once. */
const HELD_BODIES = 96;
const HELD_BYTES = 4 * 1024 * 1024;
const HOLD_MILLIS = 8000;

/** Runs the bench and prints its figures. Returns false when something was lost, counted wrong or answered otherwise than 200 or 503. */
export async function benchPressure(options: PressureOptions): Promise<boolean> {
  const directory = mkdtempSync(join(tmpdir(), "bench-pressure-"));
  const sender = new Sender();
  try {
    const settings = { METRICS_BUFFER_SIZE: String(BUFFER_ENTRIES) };
    const receiver = await ReceiverUnderLoad.start(directory, PERSIST_MILLIS, options.log, settings);
    try {
      return await new Pressure(options, sender, receiver, join(directory, "data")).all();
    } finally {
      process.kill(receiver.pids.sql, "SIGCONT");
      await receiver.stop();
    }
  } finally {
    sender.end();
    rmSync(directory, { recursive: true, force: true });
  }
}

class Pressure {
  readonly #options: PressureOptions;
  readonly #sender: Sender;
  readonly #receiver: ReceiverUnderLoad;
  readonly #dataDirectory: string;
  #pointsPerRequest = 0;
  #pointsSent = 0;
  #totals: ServiceTotals | undefined;
  #sound = true;

  constructor(options: PressureOptions, sender: Sender, receiver: ReceiverUnderLoad, dataDirectory: string) {
    this.#options = options;
    this.#sender = sender;
    this.#receiver = receiver;
    this.#dataDirectory = dataDirectory;
  }

  async all(): Promise<boolean> {
    const { log, seconds, outageSeconds } = this.#options;
    const load = `250 points a request, ${CALM_RATE} and ${BURST_RATE} requests a second`;
    console.log(`pressure, log in ${log} of ${BUFFER_ENTRIES} entries: ${load}`);
    const expected = (2 * seconds + 20 * seconds + 20 * outageSeconds) * BURST_RATE;
    this.#pointsPerRequest = await this.#sender.begin("a", expected, Date.now());
    await this.#phase("calm", () => this.#send(CALM_RATE, seconds));
    await this.#phase("burst", () => this.#send(BURST_RATE, seconds));
    await this.#phase("calm again", () => this.#send(CALM_RATE, seconds));
    await this.#phase("held bodies", () => this.#holdBodies());
    await this.#phase(`outage of ${outageSeconds} s`, () => this.#outage());
    await this.#phase("calm in the end", () => this.#send(CALM_RATE, seconds));
    await this.#persisted();
    const differences = await this.#receiver.differences(this.#totals!);
    console.log(differences.length === 0 ? "totals in SQL: equal to what was sent" : differences.join("\n"));
    return this.#sound && differences.length === 0;
  }

  /** Runs `work` and prints the highest memory seen meanwhile. */
  async #phase(name: string, work: () => Promise<string>): Promise<void> {
    const { receiver, redis } = this.#receiver.pids;
    let [receiverBytes, logBytes] = [0, 0];
    const sampling = setInterval(() => {
      receiverBytes = Math.max(receiverBytes, residentBytes(receiver));
      logBytes = Math.max(logBytes, redis === undefined ? folderBytes(this.#dataDirectory) : residentBytes(redis));
    }, SAMPLE_MILLIS);
    const outcome = await work();
    clearInterval(sampling);
    const held = redis === undefined ? "files of the log" : "redis";
    console.log(`${name}: receiver ${megabytes(receiverBytes)}, ${held} ${megabytes(logBytes)}; ${outcome}`);
  }

  async #send(rate: number, seconds: number): Promise<string> {
    return describe(await this.#slice(rate, rate * seconds));
  }

  async #slice(rate: number, requests: number): Promise<SendResult> {
    const { connections } = this.#options;
    const { totals } = await this.#sender.make(requests);
    this.#totals = totals;
    const order = { url: this.#receiver.url, connections, maxMillis: SEND_MAX_MILLIS, requestsPerSecond: rate };
    const result = await this.#sender.send(order);
    this.#pointsSent += result.accepted * this.#pointsPerRequest;
    if (result.accepted !== requests || result.partial > 0) {
      this.#sound = false;
      console.log(`not everything was accepted: ${JSON.stringify(result)}`);
    }
    return result;
  }

  /** Begins more bodies than may be held and does not end them: the rest must be told to come again. */
  async #holdBodies(): Promise<string> {
    const sockets: Socket[] = [];
    let refused = 0;
    let others = 0;
    const port = Number(new URL(this.#receiver.url).port);
    const head = `POST /v1/metrics HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-protobuf\r\nContent-Length: ${HELD_BYTES}\r\n\r\n`;
    const part = Buffer.alloc(HELD_BYTES - 1);
    await Promise.all(
      Array.from({ length: HELD_BODIES }, async () => {
        const socket = connect(port, "127.0.0.1");
        sockets.push(socket);
        socket.on("error", () => undefined);
        const answered = new Promise<string>((resolve) => {
          socket.on("data", (chunk: Buffer) => resolve(chunk.toString("latin1")));
          socket.on("close", () => resolve(""));
        });
        socket.write(head);
        const written = new Promise<string>((resolve) =>
          socket.write(part, () => setTimeout(() => resolve("held"), HOLD_MILLIS)),
        );
        const answer = await Promise.race([answered, written]);
        if (/^HTTP\/1.1 503 [\s\S]*retry-after: 1/i.test(answer)) refused += 1;
        else if (answer !== "held") others += 1;
      }),
    );
    for (const socket of sockets) socket.destroy();
    if (refused === 0 || others > 0) this.#sound = false;
    const megabytesOffered = megabytes(HELD_BODIES * HELD_BYTES);
    return `${megabytesOffered} in ${HELD_BODIES} bodies, ${refused} of them answered 503 with Retry-After, ${others} otherwise`;
  }

  /** Holds the SQL server still while ten times the load comes in, and waits until everything is in SQL. */
  async #outage(): Promise<string> {
    const { outageSeconds } = this.#options;
    const { sql } = this.#receiver.pids;
    await this.#persisted();
    process.kill(sql, "SIGSTOP");
    const begun = performance.now();
    let thawedAt = 0;
    const thaw = setTimeout(() => {
      process.kill(sql, "SIGCONT");
      thawedAt = performance.now();
    }, outageSeconds * 1000);
    const results: SendResult[] = [];
    while (performance.now() - begun < outageSeconds * 1000) {
      results.push(await this.#slice(BURST_RATE, Math.min(SLICE_REQUESTS, BURST_RATE * outageSeconds)));
    }
    await this.#persisted();
    clearTimeout(thaw);
    if (!results.some(({ overloaded }) => overloaded > 0)) console.log("the log was never full: try a longer outage");
    const recoverySeconds = (performance.now() - thawedAt) / 1000;
    return `${describe(sumOf(results))}, everything in SQL ${recoverySeconds.toFixed(1)} s after its end`;
  }

  async #persisted(): Promise<void> {
    await this.#receiver.untilPersisted(this.#pointsSent, RECOVERY_MAX_MILLIS);
  }
}

function describe({ accepted, overloaded, failed, seconds }: SendResult): string {
  const others = Object.keys(failed).length === 0 ? "" : `, others ${JSON.stringify(failed)}`;
  return `${accepted} requests taken in ${seconds.toFixed(1)} s, ${overloaded} answers of 503${others}`;
}

function sumOf(results: readonly SendResult[]): SendResult {
  const sum = { accepted: 0, overloaded: 0, partial: 0, seconds: 0 };
  const failed: Record<string, number> = {};
  for (const result of results) {
    sum.accepted += result.accepted;
    sum.overloaded += result.overloaded;
    sum.seconds += result.seconds;
    for (const [status, count] of Object.entries(result.failed)) failed[status] = (failed[status] ?? 0) + count;
  }
  return { ...sum, failed };
}

function residentBytes(pid: number): number {
  return 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
}

function folderBytes(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce(
      (sum, entry) => sum + (statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0),
      0,
    );
}
