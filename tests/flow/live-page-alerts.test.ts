/** An alert of a real receiver fires and is resolved on its live page, in a real Chromium. Only the minutes a rule waits are skipped. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { loadSettings } from "../../src/app/load-settings.ts";
import { type Listening, Pipeline } from "../../src/app/pipeline.ts";
import { bundledPage, removePage } from "../live/live-site.ts";
import { endRegistered, type RegisteredApp, startRegistered } from "../http/support/registered-app.ts";
import { startChromium } from "../support/chromium.ts";
import { valueOf } from "../support/log-entries.ts";
import { ShiftedClock } from "../support/shifted-clock.ts";

const POLL = { timeout: 20_000, interval: 100 };

let folder: string;
let pageFolder: string;
let clock: ShiftedClock;
let pipeline: Pipeline;
let listening: Listening;
let app: RegisteredApp;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "otel-bandwidth-page-alerts-"));
  [browser, pageFolder] = await Promise.all([startChromium(), bundledPage()]);
  clock = new ShiftedClock();
  const given = {
    dataDirectory: folder,
    otlpPort: 0,
    bridgePort: 0,
    processIntervalMillis: 50,
    persistIntervalMillis: 100,
  };
  const loaded = loadSettings({}, given);
  if (loaded.kind === "failure") throw new Error(loaded.faults.join("\n"));
  pipeline = valueOf(Pipeline.open(loaded.settings, clock, () => undefined, join(pageFolder, "live")));
  listening = valueOf(await pipeline.start());
  app = await startRegistered("failing-app.mjs", {
    OTEL_SERVICE_NAME: "cart",
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${listening.otlpPort}`,
    OTEL_METRIC_EXPORT_INTERVAL: "100",
  });
  page = await browser.newPage();
});
afterAll(async () => {
  await browser.close();
  await endRegistered(app, (child) => void child.send("stop"));
  await pipeline.stop();
  rmSync(folder, { recursive: true, force: true });
  removePage(pageFolder);
});

async function request(path: string, count: number): Promise<void> {
  for (let sent = 0; sent < count; sent += 20) {
    await Promise.all(
      Array.from({ length: 20 }, async () => (await fetch(`http://127.0.0.1:${app.port}${path}`)).arrayBuffer()),
    );
  }
}

/** Skips the minutes that a rule waits, until the page shows what it should. */
async function skipUntil(shown: () => Promise<boolean>): Promise<void> {
  await expect
    .poll(
      async () => {
        if (await shown()) return true;
        clock.jump(60_000);
        return false;
      },
      { timeout: 60_000, interval: 2500 },
    )
    .toBe(true);
}

it(
  "fires with its value and threshold, and is among the resolved ones when it is over",
  { timeout: 180_000 },
  async () => {
    await page.goto(`http://127.0.0.1:${listening.bridgePort}/#alerts`);
    await expect.poll(() => page.locator("#panel-alerts .calm").isVisible(), POLL).toBe(true);
    await request("/fail", 60);
    await request("/fine", 60);
    const card = page.locator("#panel-alerts .alert", { hasText: "HTTP error ratio" });
    await skipUntil(async () => (await card.getAttribute("data-state", { timeout: 500 }).catch(() => "")) === "firing");
    const text = (await card.innerText()).replaceAll("\u00a0", " ");
    expect(text).toMatch(/firing critical\s+service=cart\s+50\.0 %\s+at worst, threshold 5\.00 %/);
    expect(await page.locator("#panel-alerts .calm").isVisible()).toBe(false);
    expect(Number(await page.innerText("#firing"))).toBeGreaterThan(0);
    await request("/fine", 2000);
    await skipUntil(async () => (await card.getAttribute("data-state")) === "resolved");
    expect(await page.innerText("#panel-alerts")).toMatch(/Resolved lately\s+HTTP error ratio\s+resolved critical/);
  },
);
