/**
 * `node bench/browser.ts`: what the page side costs a page in a real Chromium: frame times and long tasks with and without it,
 * main-thread time a tick beside `getStats()`, and what it weighs. Figures are of the machine they are run on; trust differences.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import type { Browser, Page } from "playwright-core";
import { rolldown } from "rolldown";
import { Server } from "socket.io";
import { bundleBrowser, withWorkerSource } from "../scripts/browser-bundle.ts";
import { ROOT } from "../scripts/run-command.ts";
import { startChromium } from "../tests/support/chromium.ts";
import type { Mode, PageNotices } from "./browser-page.ts";
import { median } from "./statistics.ts";

const USAGE = `node bench/browser.ts [options]
  --connections N,N,…   how many connections (default: 0,10,50)
  --seconds N           length of a round (default: 10); 0: only what a tick costs
  --rounds N            rounds of each way of measuring, in turn (default: 3)
  --ticks N             ticks whose cost is taken (default: 30)`;

const { values } = parseArgs({
  options: {
    connections: { type: "string", default: "0,10,50" },
    seconds: { type: "string", default: "10" },
    rounds: { type: "string", default: "3" },
    ticks: { type: "string", default: "30" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const [seconds, rounds, ticks] = [values.seconds, values.rounds, values.ticks].map(Number);
const counts = values.connections.split(",").map(Number);
if (
  ![rounds, ticks].every((value) => value! > 0) ||
  !(seconds! >= 0) ||
  !counts.every((count) => count >= 0 && count % 2 === 0)
) {
  console.error(`expected numbers above 0, and even numbers of connections\n\n${USAGE}`);
  process.exit(2);
}

const MODES: readonly Mode[] = ["none", "worker", "main"];
const NAMES: Readonly<Record<Mode, string>> = { none: "not", worker: "in a worker", main: "on the main thread" };

const files = await bundleBrowser();
const site = await startSite();
console.log(`${rounds} rounds of ${seconds} s\n`);
printSizes();
console.log("| connections | measured | frame median | frame p99 | frames over 50 ms | long tasks a minute |");
console.log("| ----------- | -------- | ------------ | --------- | ----------------- | ------------------- |");
const costs: [connections: number, TickCosts][] = [];
for (const count of counts) {
  // A browser of its own: one that was traced once crashed when it opened the next page.
  const browser = await startChromium();
  const page = await openPage(browser, count);
  if (seconds! > 0) for (const [mode, notices] of await noticesOf(page)) printNotices(count, mode, notices);
  if (count > 0) costs.push([count, await tickCosts(page)]);
  await page.close();
}
console.log(
  "\n| connections | ours a tick: median, least, most | getStats() a tick | slice: median, p99, longest | over 1 ms |",
);
console.log(
  "| ----------- | -------------------------------- | ----------------- | --------------------------- | --------- |",
);
for (const [count, { ours, getStats, slices }] of costs) {
  const figures = [
    millisOf(median(ours), Math.min(...ours), Math.max(...ours)),
    millisOf(median(getStats)),
    millisOf(median(slices), quantile(slices, 0.99), Math.max(...slices)),
    `${slices.filter((millis) => millis > 1).length} of ${slices.length}`,
  ];
  console.log(`| ${count} | ${figures.join(" | ")} |`);
}
process.exit(0);

/** CPU milliseconds of the page's main thread: what else the machine does is not in them. */
interface TickCosts {
  /** A tick beside `getStats()`, each round. */
  readonly ours: readonly number[];
  readonly getStats: readonly number[];
  /** Each slice of all rounds. */
  readonly slices: readonly number[];
}

async function tickCosts(page: Page): Promise<TickCosts> {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const cpuMillis = async (work: string): Promise<number> => {
    const taken = async (): Promise<number> => {
      const { metrics } = await session.send("Performance.getMetrics");
      return (metrics.find(({ name }) => name === "TaskDuration")?.value ?? Number.NaN) * 1_000;
    };
    const before = await taken();
    await inPage(page, work);
    return (await taken()) - before;
  };
  await inPage(page, "bench.prepare()");
  const [ours, getStats, slices]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < rounds!; round += 1) {
    const ask = await cpuMillis(`bench.ask(${ticks})`);
    const poll = await cpuMillis(`bench.poll(${ticks})`);
    ours.push((poll - ask) / ticks!);
    getStats.push(ask / ticks!);
    slices.push(...(await slicesOf(page, `bench.poll(${ticks})`)));
  }
  return { ours, getStats, slices };
}

/** A function's call in a trace; `tdur` is its thread's CPU time in microseconds. */
interface TracedCall {
  readonly name: string;
  readonly tdur?: number;
  readonly args?: { readonly data?: { readonly functionName?: string } };
}

/** Each slice of some ticks. Tracing costs, too: what it costs is not in {@link TickCosts.ours}. */
async function slicesOf(page: Page, work: string): Promise<number[]> {
  const session = await page.context().newCDPSession(page);
  const calls: TracedCall[] = [];
  session.on("Tracing.dataCollected", ({ value }) => void calls.push(...(value as unknown as TracedCall[])));
  await session.send("Tracing.start", {
    transferMode: "ReportEvents",
    traceConfig: { includedCategories: ["devtools.timeline"], excludedCategories: ["*"] },
  });
  await inPage(page, work);
  const complete = new Promise<void>((resolve) => void session.once("Tracing.tracingComplete", () => resolve()));
  await session.send("Tracing.end");
  await complete;
  await session.detach();
  // The listener through which every slice begins: see `afterTurn`.
  return calls.flatMap(({ name, tdur, args }) =>
    name === "FunctionCall" && args?.data?.functionName === "takeTurn" && tdur !== undefined ? [tdur / 1_000] : [],
  );
}

function millisOf(...millis: readonly number[]): string {
  return millis.map((value) => `${value.toFixed(2)} ms`).join(", ");
}

function printSizes(): void {
  console.log("| file | bytes | gzipped |\n| ---- | ----- | ------- |");
  for (const { name, code } of files) {
    console.log(`| ${name} | ${code.length} | ${gzipSync(code, { level: 9 }).length} |`);
  }
  console.log("");
}

function printNotices(count: number, mode: Mode, { frames, longTasks }: PageNotices): void {
  const minutes = frames.reduce((sum, frame) => sum + frame, 0) / 60_000;
  const figures = [
    `${quantile(frames, 0.5).toFixed(1)} ms`,
    `${quantile(frames, 0.99).toFixed(1)} ms`,
    `${((frames.filter((frame) => frame > 50).length / frames.length) * 100).toFixed(2)} %`,
    (longTasks.length / minutes).toFixed(1),
  ];
  console.log(`| ${count} | ${NAMES[mode]} | ${figures.join(" | ")} |`);
}

/** Round by round in turn, so that what else the machine does meets all. */
async function noticesOf(page: Page): Promise<[Mode, PageNotices][]> {
  const found = MODES.map((mode): [Mode, PageNotices[]] => [mode, []]);
  for (let round = 0; round < rounds!; round += 1) {
    for (const [mode, notices] of found) {
      notices.push(await inPage<PageNotices>(page, `bench.notice("${mode}", "${site}", ${seconds})`));
    }
  }
  return found.map(([mode, notices]) => [
    mode,
    {
      frames: notices.flatMap(({ frames }) => frames),
      longTasks: notices.flatMap(({ longTasks }) => longTasks),
    },
  ]);
}

async function openPage(browser: Browser, count: number): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(site);
  await page.waitForFunction("window.bench !== undefined");
  await page.evaluate(`bench.connect(${count})`);
  return page;
}

async function inPage<T>(page: Page, expression: string): Promise<T> {
  return (await page.evaluate(expression)) as T;
}

/** Serves the page, isolated, so that its clock is fine; and a bridge that takes everything. */
async function startSite(): Promise<string> {
  const worker = files.find(({ name }) => name === "worker.js")!.code;
  const build = await rolldown({
    input: join(ROOT, "bench/browser-page.ts"),
    platform: "browser",
    plugins: [withWorkerSource(worker)],
  });
  const { output } = await build.generate({ format: "esm", chunkFileNames: "[name].js" });
  const scripts = new Map(output.map((file) => [`/${file.fileName}`, file.type === "chunk" ? file.code : ""]));
  const http = createServer(({ url = "/" }, response) => {
    const script = scripts.get(url);
    response.setHeader("content-type", script === undefined ? "text/html" : "text/javascript");
    response.setHeader("cross-origin-opener-policy", "same-origin");
    response.setHeader("cross-origin-embedder-policy", "require-corp");
    response.end(script ?? `<!doctype html><title>bench</title><script type="module" src="/browser-page.js"></script>`);
  });
  const sockets = new Server(http, { transports: ["websocket"], serveClient: false });
  sockets.of("/webrtc").on("connection", (socket) => {
    socket.on("metrics", (_body: unknown, acknowledge: (answer: unknown) => void) => acknowledge({ ok: true }));
  });
  await new Promise<void>((resolve) => void http.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
}

function quantile(numbers: readonly number[], part: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}
