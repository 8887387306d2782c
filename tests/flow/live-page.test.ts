/** HTTP load on an app under `register` is seen on the live page of a real receiver, in a real Chromium. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { startSampleProcess, type SampleProcess } from "../../src/app/demo/sample-process.ts";
import { runLoad } from "../../src/app/demo/load.ts";
import { requestPlan, seededRandom } from "../../src/app/demo/request-plan.ts";
import { loadSettings } from "../../src/app/load-settings.ts";
import { Pipeline } from "../../src/app/pipeline.ts";
import type { ReceiverSettings } from "../../src/app/settings.ts";
import { formatBytesPerSecond, formatPerSecond, formatSeconds, type Quantity } from "../../src/live/format-quantity.ts";
import { systemClock } from "../../src/model/clock.ts";
import type { LiveView } from "../../src/realtime/live-view.ts";
import { bundledPage, removePage } from "../live/live-site.ts";
import { startChromium } from "../support/chromium.ts";

vi.setConfig({ testTimeout: 120_000 });

const CONNECTIONS = 4;
const REQUESTS_PER_SECOND = 60;

let folder: string;
let pageFolder: string;
let pipeline: Pipeline;
let ports: { otlpPort: number; bridgePort: number };
let sample: SampleProcess;
let browser: Browser;
let page: Page;
let stopLoad: AbortController;
let load: Promise<unknown>;

/** Starts a receiver on these ports. */
async function startReceiver(otlpPort: number, bridgePort: number): Promise<void> {
  const loaded = loadSettings({ DATA_DIR: folder, METRICS_PROCESS_INTERVAL: "500" }, { otlpPort, bridgePort });
  if (loaded.kind === "failure") throw new Error(loaded.faults.join());
  const settings: ReceiverSettings = loaded.settings;
  const opened = Pipeline.open(settings, systemClock, () => undefined, join(pageFolder, "live"));
  if (opened.kind !== "success") throw new Error(opened.reason);
  pipeline = opened.value;
  const started = await pipeline.start();
  if (started.kind !== "success") throw new Error(started.reason);
  ports = started.value;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "otel-bandwidth-live-"));
  [browser, pageFolder] = await Promise.all([startChromium(), bundledPage()]);
  await startReceiver(0, 0);
  page = await browser.newPage();
});
afterAll(async () => {
  stopLoad?.abort();
  await load;
  await browser.close();
  await sample?.stop();
  await pipeline.stop();
  rmSync(folder, { recursive: true, force: true });
  removePage(pageFolder);
});

/** The text of a tile's numbers, in the form of {@link texts}. */
function tile(position: number): Promise<string[]> {
  return page.locator(`#panel-http .tile:nth-child(${position}) .number`).allTextContents();
}

function texts(...quantities: Quantity[]): string[] {
  return quantities.map(({ value }) => value);
}

it("says what to do next before there is traffic, with the address that takes metrics", async () => {
  await page.goto(`http://127.0.0.1:${ports.bridgePort}/`);
  await page.waitForSelector("#panel-http .empty:not([hidden])");
  const expected = `OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:${ports.otlpPort} `;
  expect(await page.innerText("#panel-http .empty")).toContain(expected);
});

it("shows the load within seconds, with the numbers that the receiver has", async () => {
  sample = await startSampleProcess({
    otlpEndpoint: `http://127.0.0.1:${ports.otlpPort}`,
    service: "live-sample",
    namespace: "",
    exportIntervalMillis: 500,
    report: () => undefined,
  });
  stopLoad = new AbortController();
  load = runLoad({
    host: "127.0.0.1",
    port: sample.port,
    requestsPerSecond: REQUESTS_PER_SECOND,
    connections: CONNECTIONS,
    next: requestPlan(seededRandom(1)),
    stop: stopLoad.signal,
  });
  await page.waitForSelector("#panel-http .figures:not([hidden])", { timeout: 20_000 });
  await expect.poll(async () => Number((await tile(3))[0]), { timeout: 20_000 }).toBeGreaterThan(10);
  // One answer of the receiver, told to the page again and again: what it shows can be compared with it.
  const answer = await fetch(`http://127.0.0.1:${ports.bridgePort}/api/live`);
  const view = (await answer.json()) as LiveView;
  await page.route("**/api/live", (route) => route.fulfill({ json: view }));
  const { http } = view;
  await expect
    .poll(async () => [await tile(1), await tile(2), await tile(3)], { timeout: 20_000 })
    .toEqual([
      texts(formatBytesPerSecond(http.bytesInPerSecond)),
      texts(formatBytesPerSecond(http.bytesOutPerSecond)),
      texts(formatPerSecond(http.requestsPerSecond)),
    ]);
  const { p50, p95, p99 } = http.latencySeconds;
  expect(await tile(5)).toEqual(texts(formatSeconds(p50), formatSeconds(p95), formatSeconds(p99)));
  const rows = page.locator("#panel-http .stacks tbody tr");
  expect(await rows.count()).toBe(http.topEndpoints.length);
  const first = http.topEndpoints[0]!;
  expect(await rows.first().locator("td").first().textContent()).toBe(`${first.method} ${first.route}`);
  expect(await rows.first().locator("td").nth(1).textContent()).toBe("live-sample");
  await page.unroute("**/api/live");
});

it("draws what happened before it was opened", async () => {
  const other = await browser.newPage();
  await other.goto(`http://127.0.0.1:${ports.bridgePort}/`);
  await other.waitForSelector("#panel-http .figures:not([hidden])");
  const [, highest] = /sent: .*highest (\S+)/.exec(
    (await other.getAttribute('[aria-label^="Bandwidth,"]', "aria-label"))!,
  )!;
  expect(Number.parseFloat(highest!)).toBeGreaterThan(0);
  await other.close();
});

it("does not show old figures as those of now while the receiver is away, and goes on when it is back", async () => {
  await pipeline.stop();
  await page.waitForSelector("#banner:not([hidden])", { timeout: 20_000 });
  expect(await page.innerText("#status")).toMatch(/^not live, \d+.s old$/);
  await startReceiver(ports.otlpPort, ports.bridgePort);
  await page.waitForSelector("#banner", { state: "hidden", timeout: 30_000 });
  await expect.poll(async () => Number((await tile(3))[0]), { timeout: 30_000 }).toBeGreaterThan(10);
});
