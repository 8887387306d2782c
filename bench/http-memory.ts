/**
 * Whether counting keeps anything of requests and connections that are over: the heap of a counted server and of a counted client,
 * after garbage collection, at every tenth of a long run. Every tenth request is sent in pieces, every hundredth response is cut by
 * the client.
 *
 * `node bench/http-memory.ts [--requests 1000000] [--per-connection 10] [--bare]`; with `--bare` nothing is counted, which tells
 * what Node itself keeps.
 */

import { MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { Agent, createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { CellInstruments } from "../src/http/cells/cell-instruments.ts";
import { HttpSizeInstrumentation } from "../src/http/index.ts";
import { megabytes } from "./statistics.ts";

const STEPS = 10;
const CONNECTIONS_AT_ONCE = 50;
const IN_PIECES_EVERY = 10;
const CUT_EVERY = 100;
const BODY = "x".repeat(2048);
const LIMITS = { histogramLimit: 2_000, counterLimit: 4_000 };

/** What a process is asked. */
type Question = { readonly ask: "heap" } | { readonly ask: "send"; readonly load: Load };

interface Load {
  readonly port: number;
  readonly requests: number;
  readonly perConnection: number;
}

/** What a process holds, and what it has counted and seen itself. */
interface Report {
  readonly heapBytes: number;
  readonly residentBytes: number;
  readonly counted: number;
  readonly seen: number;
  readonly connections: number;
  readonly faults: number;
}

class IdleReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

/** As `register` counts: into cells. */
async function serve(enabled: boolean): Promise<void> {
  const cells = new CellInstruments({ histograms: { kind: "exponential", maxSize: 160 }, ...LIMITS });
  const instrumentation = new HttpSizeInstrumentation({ enabled }, cells);
  let [seen, connections] = [0, 0];
  const server = createServer((incoming, response) => {
    seen += 1;
    incoming.resume().on("end", () => {
      response.write(BODY);
      response.end(BODY);
    });
  }).listen(0, "127.0.0.1");
  server.on("connection", () => (connections += 1));
  await once(server, "listening");
  process.on("message", () => {
    const metrics = cells.collect({ counter: "cumulative", histogram: "cumulative" }, Date.now());
    const sizes = metrics.find(({ options }) => options.name === "http.server.response.body.size");
    const counts = sizes?.kind === "exponential" ? sizes.points.map(({ value }) => value.count) : [];
    report({ counted: sumOf(counts), seen, connections, faults: instrumentation.faultCount });
  });
  process.send?.((server.address() as AddressInfo).port);
}

/** As an app with an SDK of its own counts. */
function call(enabled: boolean): void {
  const reader = new IdleReader();
  const instrumentation = new HttpSizeInstrumentation({ enabled });
  instrumentation.setMeterProvider(new MeterProvider({ readers: [reader] }));
  let [seen, connections] = [0, 0];
  const send = async (port: number, agent: Agent): Promise<void> => {
    seen += 1;
    const number = seen;
    const outgoing = request({ port, host: "127.0.0.1", agent, method: "POST" }, (response) => {
      if (number % CUT_EVERY === 0) outgoing.destroy();
      else response.resume();
    });
    outgoing.on("error", () => {});
    if (number % IN_PIECES_EVERY === 0) outgoing.write("a piece, ");
    outgoing.end("the end");
    await new Promise<void>((resolve) => outgoing.once("close", () => resolve()));
  };
  const sendAll = async ({ port, requests, perConnection }: Load): Promise<void> => {
    for (let sent = 0; sent < requests; sent += CONNECTIONS_AT_ONCE * perConnection) {
      await Promise.all(
        Array.from({ length: CONNECTIONS_AT_ONCE }, async () => {
          const agent = new Agent({ keepAlive: true, maxSockets: 1 });
          for (let index = 0; index < perConnection; index += 1) await send(port, agent);
          agent.destroy();
          connections += 1;
        }),
      );
    }
  };
  const look = async (): Promise<void> => {
    const { resourceMetrics } = await reader.collect();
    const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
    const sizes = metrics.find(({ descriptor }) => descriptor.name === "http.client.response.body.size");
    const counts = sizes?.dataPoints.map(({ value }) => (value as { count: number }).count) ?? [];
    report({ counted: sumOf(counts), seen, connections, faults: instrumentation.faultCount });
  };
  process.on("message", (question: Question) => {
    if (question.ask === "send") void sendAll(question.load).then(() => process.send?.("sent"));
    else void look();
  });
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** Sends the report once all that can go is gone. */
function report(counts: Omit<Report, "heapBytes" | "residentBytes">): void {
  let rounds = 4;
  const collect = (): void => {
    globalThis.gc?.();
    rounds -= 1;
    if (rounds > 0) {
      setImmediate(collect);
      return;
    }
    const { heapUsed: heapBytes, rss: residentBytes } = process.memoryUsage();
    process.send?.({ heapBytes, residentBytes, ...counts } satisfies Report);
  };
  collect();
}

async function ask<T>(child: ChildProcess, question: Question): Promise<T> {
  child.send(question);
  const [answer] = (await once(child, "message")) as [T];
  return answer;
}

function line(step: string, { heapBytes, residentBytes, counted, seen, connections, faults }: Report): string {
  const kilobytes = `${(heapBytes / 1000).toFixed(0)} kB`;
  return `${step}: heap ${kilobytes}, resident ${megabytes(residentBytes)}, counted ${counted} of ${seen} requests, ${connections} connections, ${faults} faults`;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      requests: { type: "string", default: "1000000" },
      "per-connection": { type: "string", default: "10" },
      bare: { type: "boolean", default: false },
    },
  });
  const file = fileURLToPath(import.meta.url);
  const [server, client] = ["serve", "call"].map((role) =>
    fork(file, ["--child", role, String(values.bare)], { execArgv: ["--expose-gc"] }),
  );
  if (server === undefined || client === undefined) throw new Error("no processes");
  const [port] = (await once(server, "message")) as [number];
  const requests = Math.ceil(Number(values.requests) / STEPS);
  for (let step = 1; step <= STEPS; step += 1) {
    await ask(client, { ask: "send", load: { port, requests, perConnection: Number(values["per-connection"]) } });
    console.log(line(`server ${step}/${STEPS}`, await ask(server, { ask: "heap" })));
    console.log(line(`client ${step}/${STEPS}`, await ask(client, { ask: "heap" })));
  }
  for (const child of [server, client]) child.kill("SIGKILL");
}

const [kind, role, bare] = process.argv.slice(2);
if (kind === "--child" && role === "serve") await serve(bare !== "true");
else if (kind === "--child") call(bare !== "true");
else await main();
