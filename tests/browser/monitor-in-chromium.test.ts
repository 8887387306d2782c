import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { startChromium } from "../support/chromium.ts";
import { MeetingSite } from "./meeting-site.ts";

// A browser on a busy machine takes its time.
vi.setConfig({ testTimeout: 120_000 });

let browser: Browser;
let site: MeetingSite;
let page: Page;

beforeAll(async () => {
  browser = await startChromium();
});
afterAll(() => browser.close());

beforeEach(async () => {
  site = await MeetingSite.start({ "/no-worker": "worker-src 'none'", "/worker-by-url": "worker-src 'self'" });
  page = await browser.newPage();
});
afterEach(async () => {
  await page.close();
  await site.close();
});

async function open(path = "/"): Promise<void> {
  await page.goto(site.url + path);
  await page.waitForFunction("window.ready");
}

/** Runs JavaScript of the page. */
async function inPage<T>(script: string): Promise<T> {
  return (await page.evaluate(`(async () => { ${script} })()`)) as T;
}

/** Starts a monitor of every connection and a call, and waits until the page has seen enough of it. */
async function startMonitoredCall(options: string, samples = 4): Promise<void> {
  await inPage(`
    window.samples = [];
    window.monitor = monitorPeerConnections({ url: location.origin, token: "t1", statsIntervalMillis: 200,
      observe: "all", onSample: (sample) => samples.push(sample), ${options} });
    window.connections = await startCall();`);
  await page.waitForFunction(`samples.filter(({ bitsPerSecond }) => bitsPerSecond.transmit > 0).length >= ${samples}`);
}

/** Waits until the page has seen more of the call. */
async function seeMore(): Promise<void> {
  const seen = await inPage<number>("return samples.length");
  await page.waitForFunction(`samples.length > ${seen} + 6`);
}

/** Ends the monitor; what the two connections had counted just before and just after. */
async function stopAndCount(): Promise<{ before: number; after: number }> {
  return inPage(`
    const count = async () => (await bytesOf(connections[0])) + (await bytesOf(connections[1]));
    const before = await count();
    await monitor.stop();
    return { before, after: await count() };`);
}

describe("a call in a real Chromium", () => {
  it.each([
    ["in a worker", "/", ""],
    ["on the main thread, by choice", "/", "worker: false"],
    ["on the main thread, where the page's policy allows no worker", "/no-worker", ""],
    ["in a worker, by a page without modules", "/script", ""],
    ["on the main thread, by a page without modules", "/script", "worker: false"],
    ["in a worker by its address, where the policy allows no inlined one", "/worker-by-url", `workerUrl: "/worker.js"`],
  ])("is exported to the byte, measured %s", async (how, path, options) => {
    await open(path);
    const workers = new Set<string>();
    page.on("worker", (worker) => void workers.add(worker.url()));
    await startMonitoredCall(options);
    const { before, after } = await stopAndCount();
    expect(before).toBeGreaterThan(10_000);
    expect(site.total("webrtc.io")).toBeGreaterThanOrEqual(before);
    expect(site.total("webrtc.io")).toBeLessThanOrEqual(after);
    expect(site.total("webrtc.connection.time")).toBeGreaterThan(0);
    expect(new Set(site.tokens)).toEqual(new Set(["t1"]));
    expect(workers.size).toBe(how.startsWith("in a worker") ? 1 : 0);
  });

  it("is exported to the byte when the bridge takes the worker away in the middle, and gives it back", async () => {
    await open();
    const running = new Set<string>();
    page.on("worker", (worker) => {
      running.add(worker.url());
      worker.on("close", () => running.delete(worker.url()));
    });
    await startMonitoredCall("emitThrottleMillis: 1000");
    expect(running.size).toBe(1);
    site.configure({ worker: false });
    await vi.waitFor(() => expect(running.size).toBe(0), { timeout: 20_000 });
    await seeMore();
    site.configure({ worker: true });
    await vi.waitFor(() => expect(running.size).toBe(1), { timeout: 20_000 });
    await seeMore();
    const { before, after } = await stopAndCount();
    expect(site.total("webrtc.io")).toBeGreaterThanOrEqual(before);
    expect(site.total("webrtc.io")).toBeLessThanOrEqual(after);
  });

  it("is exported to the byte when the bridge takes the worker away and is busy for the worker's rest", async () => {
    await open();
    const running = new Set<string>();
    page.on("worker", (worker) => {
      running.add(worker.url());
      worker.on("close", () => running.delete(worker.url()));
    });
    await startMonitoredCall(
      `token: async () => "t" + (window.asked = (window.asked ?? 0) + 1), emitThrottleMillis: 3600000`,
    );
    await page.waitForFunction(`samples.some(({ quality }) => quality.level !== "unknown")`);
    await seeMore();
    site.busyTimes = 2;
    site.configure({ worker: false, emitThrottleMillis: 3_600_000 });
    // It goes when its rest is told: by a connection of its own, with a token that the page gave it.
    await vi.waitFor(() => expect(running.size).toBe(0), { timeout: 60_000 });
    expect(site.busyTimes).toBe(0);
    await seeMore();
    const { before, after } = await stopAndCount();
    expect(site.total("webrtc.io")).toBeGreaterThanOrEqual(before);
    expect(site.total("webrtc.io")).toBeLessThanOrEqual(after);
    expect(new Set(site.tokens).size).toBe(site.tokens.length);
  });

  it("shows the page its numbers", async () => {
    await open();
    await startMonitoredCall("");
    await page.waitForFunction(`samples.some(({ quality }) => quality.level === "excellent")`);
    const sample = await inPage<Record<string, unknown>>(`return { ...samples.at(-1), connection: undefined }`);
    expect(sample).toMatchObject({ connected: true, relay: { relayed: false } });
    expect(await inPage(`return samples.every(({ connection }) => connections.includes(connection))`)).toBe(true);
  });

  it("begins to be exported at once when its quality is first known, and then keeps to the throttle", async () => {
    await open();
    const start = performance.now();
    await startMonitoredCall("emitThrottleMillis: 60000");
    await vi.waitFor(() => expect(site.received.length).toBeGreaterThan(0), { timeout: 50_000 });
    const quality = [...site.totals().keys()].filter((series) => series.startsWith("webrtc.connection.time{"));
    expect(quality.length).toBeGreaterThan(0);
    await inPage(
      `const count = samples.length; while (samples.length < count + 10) await new Promise(requestAnimationFrame);`,
    );
    const elapsedMinutes = (performance.now() - start) / 60_000;
    expect(site.received.length).toBeLessThanOrEqual(3 * Math.ceil(elapsedMinutes));
  });

  it("loses no byte while the bridge is away, and comes back with a new token", async () => {
    await open();
    site.refusing = true;
    await inPage(`window.asked = 0;`);
    await startMonitoredCall(`token: async () => "t" + (++asked), emitThrottleMillis: 0`);
    await vi.waitFor(() => expect(site.tokens.length).toBeGreaterThan(1), { timeout: 20_000 });
    expect(site.received).toEqual([]);
    site.refusing = false;
    await vi.waitFor(() => expect(site.received.length).toBeGreaterThan(1), { timeout: 25_000 });
    expect(new Set(site.tokens).size).toBe(site.tokens.length);
    const { before, after } = await stopAndCount();
    expect(site.total("webrtc.io")).toBeGreaterThanOrEqual(before);
    expect(site.total("webrtc.io")).toBeLessThanOrEqual(after);
  });

  it("loses no byte when it is stopped while it waits to try again", async () => {
    await open();
    await startMonitoredCall("emitThrottleMillis: 3600000");
    site.refusing = true;
    const asked = site.tokens.length;
    site.disconnect();
    // After the third refusal the next try is seconds away.
    await vi.waitFor(() => expect(site.tokens.length).toBeGreaterThanOrEqual(asked + 3), { timeout: 30_000 });
    site.refusing = false;
    const { before, after } = await stopAndCount();
    expect(site.total("webrtc.io")).toBeGreaterThanOrEqual(before);
    expect(site.total("webrtc.io")).toBeLessThanOrEqual(after);
  });

  it("is exported a last time when the page goes away", async () => {
    await open();
    await startMonitoredCall("emitThrottleMillis: 3600000");
    await page.waitForFunction(`samples.some(({ quality }) => quality.level !== "unknown")`);
    const before = await inPage<number>(`return (await bytesOf(connections[0])) + (await bytesOf(connections[1]))`);
    await seeMore();
    await page.goto("about:blank");
    await vi.waitFor(() => expect(site.total("webrtc.io")).toBeGreaterThanOrEqual(before), { timeout: 10_000 });
  });
});
