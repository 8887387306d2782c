/**
 * What counting adds to a request, in microseconds of CPU time (the garbage collector's threads included): an in-memory connection, so that the kernel's noise stays out; one
 * process a mode, so that no mode spoils another's compiled code; interleaved rounds, so that drift hits all alike. Run with
 * `node bench/http-cost.ts`.
 */
/* oxlint-disable no-underscore-dangle -- the underscored names are Node's */

import { context, createNoopMeter } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { HttpInstrumentation } from "@opentelemetry/instrumentation-http";
import { AggregationType, InstrumentType, MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { HttpSizeInstrumentation } from "../src/http/index.ts";

const ROUNDS = 15;
const REQUESTS = 10_000;
const WARM_UP_REQUESTS = 20_000;
const BODY = "x".repeat(1024);
const REQUESTS_BY_NAME = {
  "GET, 1 KB answer": Buffer.from("GET /a HTTP/1.1\r\nHost: test\r\nAccept: */*\r\nUser-Agent: bench\r\n\r\n"),
  "POST 1 KB, 1 KB answer": Buffer.from(
    `POST /a HTTP/1.1\r\nHost: test\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
  ),
} as const;

class IdleReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

/** A connection in memory that sends its request again whenever an answer is complete. */
class Loop extends Duplex {
  bytesRead = 0;
  _bytesDispatched = 0;
  #left: number;
  readonly #request: Buffer;
  readonly #done: () => void;

  constructor(request: Buffer, count: number, done: () => void) {
    super();
    this.#left = count;
    this.#request = request;
    this.#done = done;
  }

  start(): void {
    this.bytesRead += this.#request.length;
    this.push(this.#request);
  }

  override _read(): void {}

  override _write(chunk: Buffer | string, _encoding: BufferEncoding, callback: () => void): void {
    this._bytesDispatched += chunk.length;
    callback();
    this.#left -= 1;
    if (this.#left === 0) this.#done();
    else queueMicrotask(() => this.start());
  }
}

async function batch(server: Server, request: Buffer, count: number): Promise<number> {
  let connection: Loop | undefined;
  const start = process.cpuUsage();
  await new Promise<void>((resolve) => {
    connection = new Loop(request, count, resolve);
    server.emit("connection", connection);
    connection.start();
  });
  const { user, system } = process.cpuUsage(start);
  connection?.destroy();
  return (user + system) / count;
}

function provider(exponential: boolean): MeterProvider {
  const aggregation = {
    type: AggregationType.EXPONENTIAL_HISTOGRAM,
    options: { maxSize: 160, recordMinMax: true },
  } as const;
  const views = exponential ? [{ instrumentType: InstrumentType.HISTOGRAM, aggregation }] : [];
  return new MeterProvider({ readers: [new IdleReader()], views });
}

const counting = (meterProvider: MeterProvider | { getMeter: typeof createNoopMeter }): void =>
  new HttpSizeInstrumentation().setMeterProvider(meterProvider);

function instrumentationHttp(): void {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  new HttpInstrumentation().setMeterProvider(provider(false));
  createRequire(import.meta.url)("http");
}

const MODES: Readonly<Record<string, () => void>> = {
  bare: () => {},
  "ours, counting alone": () => counting({ getMeter: () => createNoopMeter() }),
  "ours, two SDK histograms": () => counting(provider(false)),
  "ours, two exponential histograms": () => counting(provider(true)),
  "instrumentation-http, metrics only": instrumentationHttp,
  "both, metrics only": () => {
    instrumentationHttp();
    counting(provider(false));
  },
};

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** The child: sets its mode up once, then times a batch whenever it is told which request to send. */
function serve(mode: string): void {
  MODES[mode]?.();
  const server = createServer((request, response) => {
    if (request.method === "GET") response.end(BODY);
    else request.resume().on("end", () => response.end(BODY));
  });
  process.on("message", ({ name, count }: { name: keyof typeof REQUESTS_BY_NAME; count: number }) => {
    void batch(server, REQUESTS_BY_NAME[name], count).then((micros) => process.send?.(micros));
  });
}

async function ask(child: ChildProcess, name: string, count: number): Promise<number> {
  child.send({ name, count });
  const [micros] = (await once(child, "message")) as [number];
  return micros;
}

async function compare(children: ReadonlyMap<string, ChildProcess>, name: string): Promise<void> {
  const times = new Map<string, number[]>([...children.keys()].map((mode) => [mode, []]));
  for (const child of children.values()) await ask(child, name, WARM_UP_REQUESTS);
  const order = [...children];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [mode, child] of order) times.get(mode)?.push(await ask(child, name, REQUESTS));
    order.push(...order.splice(0, 1));
  }
  console.log(`\n${name}: CPU microseconds a request, ${ROUNDS} rounds of ${REQUESTS}`);
  const bare = times.get("bare") ?? [];
  for (const [mode, values] of times) {
    const added = values.map((value, round) => value - (bare[round] ?? 0));
    const range = `${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)}`;
    const best = Math.min(...values) - Math.min(...bare);
    const text = `median ${median(values).toFixed(2)} (${range})`.padEnd(34);
    console.log(
      `${mode.padEnd(36)} ${text} added: median ${median(added).toFixed(2)}, best batches ${best.toFixed(2)}`,
    );
  }
}

async function main(): Promise<void> {
  const file = fileURLToPath(import.meta.url);
  const children = new Map(Object.keys(MODES).map((mode) => [mode, fork(file, [mode])]));
  for (const name of Object.keys(REQUESTS_BY_NAME)) await compare(children, name);
  for (const child of children.values()) child.disconnect();
}

const mode = process.argv[2];
if (mode === undefined) await main();
else serve(mode);
