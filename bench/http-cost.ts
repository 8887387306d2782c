/**
 * What counting adds to a request, in microseconds of the server's CPU time (the garbage collector's threads included). One
 * process a mode, so that no mode spoils another's compiled code; rounds in turn, so that drift hits all alike.
 *
 * `node bench/http-cost.ts [--wrk] [--rounds 15] [--requests 10000] [--only <text>]`: on connections in memory, so that the
 * kernel's noise stays out, or with `wrk` over loopback (16 connections, one second a round).
 */

import { execFile, fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { MODES } from "./http-cost-modes.ts";
import { sendRequests } from "./loop-connection.ts";

const WARM_UP_REQUESTS = 30_000;
const WRK_OPTIONS = ["-t", "1", "-c", "16", "-d", "1s"];
const BODY = "x".repeat(1024);
const REQUESTS_BY_NAME = {
  "GET, 1 KB answer": Buffer.from("GET /a HTTP/1.1\r\nHost: test\r\nAccept: */*\r\nUser-Agent: bench\r\n\r\n"),
  "POST 1 KB, 1 KB answer": Buffer.from(
    `POST /a HTTP/1.1\r\nHost: test\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
  ),
} as const;

type RequestName = keyof typeof REQUESTS_BY_NAME;

/** What a child is asked for: requests in memory, its CPU time so far, its port. */
type Question = { readonly name: RequestName; readonly requests: number } | "cpu" | "port";

/** The child: sets its mode up once, then answers questions. */
async function serve(mode: string): Promise<void> {
  await MODES[mode]?.();
  const server = createServer((request, response) => {
    if (request.method === "GET") response.end(BODY);
    else request.resume().on("end", () => response.end(BODY));
  }).listen(0, "127.0.0.1");
  process.on("message", (question: Question) => void answer(server, question).then((value) => process.send?.(value)));
}

async function answer(server: Server, question: Question): Promise<number> {
  if (question === "port") return (server.address() as AddressInfo).port;
  if (question === "cpu") return cpuMicros();
  const start = cpuMicros();
  await sendRequests(server, REQUESTS_BY_NAME[question.name], question.requests);
  return (cpuMicros() - start) / question.requests;
}

function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

async function ask(child: ChildProcess, question: Question): Promise<number> {
  child.send(question);
  const [value] = (await once(child, "message")) as [number];
  return value;
}

/** One batch: CPU microseconds a request. */
type Batch = (child: ChildProcess) => Promise<number>;

async function wrkBatch(child: ChildProcess): Promise<number> {
  const url = `http://127.0.0.1:${await ask(child, "port")}/a`;
  const start = await ask(child, "cpu");
  const { stdout } = await promisify(execFile)("wrk", [...WRK_OPTIONS, url]);
  const micros = (await ask(child, "cpu")) - start;
  return micros / Number(/(\d+) requests in/.exec(stdout)?.[1]);
}

async function compare(children: ReadonlyMap<string, ChildProcess>, rounds: number, batch: Batch): Promise<void> {
  const times = new Map<string, number[]>([...children.keys()].map((mode) => [mode, []]));
  const order = [...children];
  for (let round = 0; round < rounds; round += 1) {
    for (const [mode, child] of order) times.get(mode)?.push(await batch(child));
    order.push(...order.splice(0, 1));
  }
  const bare = times.get("bare") ?? [];
  console.log(["".padEnd(44), "median", "lowest", "highest", "added", "[quartiles]", "ratio"].join("  "));
  for (const [mode, values] of times) {
    const added = values.map((value, round) => value - (bare[round] ?? Number.NaN));
    const ratios = values.map((value, round) => value / (bare[round] ?? Number.NaN));
    const [low, high] = [quantile(added, 0.25), quantile(added, 0.75)];
    console.log(
      [
        mode.padEnd(44),
        quantile(values, 0.5).toFixed(2).padStart(6),
        quantile(values, 0).toFixed(2).padStart(6),
        quantile(values, 1).toFixed(2).padStart(7),
        quantile(added, 0.5).toFixed(2).padStart(5),
        `[${low.toFixed(2)} to ${high.toFixed(2)}]`,
        quantile(ratios, 0.5).toFixed(2),
      ].join("  "),
    );
  }
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      wrk: { type: "boolean", default: false },
      rounds: { type: "string", default: "15" },
      requests: { type: "string", default: "10000" },
      only: { type: "string", default: "" },
    },
  });
  const [rounds, requests] = [Number(values.rounds), Number(values.requests)];
  const file = fileURLToPath(import.meta.url);
  const modes = Object.keys(MODES).filter((mode) => mode === "bare" || mode.includes(values.only));
  const children = new Map(modes.map((mode) => [mode, fork(file, ["--child", mode])]));
  for (const child of children.values()) {
    for (const name of Object.keys(REQUESTS_BY_NAME) as RequestName[])
      await ask(child, { name, requests: WARM_UP_REQUESTS });
  }
  if (values.wrk) {
    console.log(`\nGET, 1 KB answer, wrk ${WRK_OPTIONS.join(" ")}: CPU microseconds a request, ${rounds} rounds`);
    await compare(children, rounds, wrkBatch);
  } else {
    for (const name of Object.keys(REQUESTS_BY_NAME) as RequestName[]) {
      console.log(`\n${name}, in memory: CPU microseconds a request, ${rounds} rounds of ${requests}`);
      await compare(children, rounds, (child) => ask(child, { name, requests }));
    }
  }
  for (const child of children.values()) child.kill("SIGKILL");
}

if (process.argv[2] === "--child") await serve(process.argv[3] ?? "");
else await main();
