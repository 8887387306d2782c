/** The live page in a real Chromium, on its real server, with figures that the test gives. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { startChromium } from "../support/chromium.ts";
import { accessibilityFaults } from "./accessibility.ts";
import { alert, busyFigures, endpoint, liveFigures, liveHistoryOf } from "./live-figures.ts";
import { bundledPage, LiveSite, removePage } from "./live-site.ts";

// A browser on a busy machine takes its time.
vi.setConfig({ testTimeout: 120_000 });

const TABS = ["http", "webrtc", "alerts"] as const;
const PHONE = { viewport: { width: 360, height: 740 } };

let browser: Browser;
let folder: string;
let site: LiveSite;
let page: Page;
/** What went wrong in the page: errors, and everything that its content security policy refused. */
let faults: string[];

beforeAll(async () => {
  [browser, folder] = await Promise.all([startChromium(), bundledPage()]);
});
afterAll(async () => {
  await browser.close();
  removePage(folder);
});

beforeEach(async () => {
  site = await LiveSite.start(folder);
  faults = [];
});
afterEach(async () => {
  await page.context().close();
  await site.close();
  expect(faults).toEqual([]);
});

/** Opens the page and waits until it shows figures. */
async function open(options: BrowserContextOptions = {}, hash = ""): Promise<void> {
  await openWithoutFigures(options, hash);
  await page.waitForSelector("#panels:not([hidden])");
}

async function openWithoutFigures(options: BrowserContextOptions = {}, hash = ""): Promise<void> {
  const context = await browser.newContext(options);
  page = await context.newPage();
  page.on("pageerror", (error) => void faults.push(error.message));
  page.on("console", (message) => {
    // A receiver that is away or wants a token is what some tests are about; Chromium reports it as an error.
    const ofNetwork = message.text().startsWith("Failed to load resource");
    if (message.type() === "error" && !ofNetwork) faults.push(message.text());
  });
  await page.goto(site.url + hash);
}

async function textOf(selector: string): Promise<string> {
  // As it is rendered: what is hidden is left out.
  return ((await page.innerText(selector)) ?? "").replaceAll("\u00a0", " ");
}

function selectedTab(): Promise<string | null> {
  return page.getAttribute('[role="tab"][aria-selected="true"]', "id");
}

async function showTab(tab: (typeof TABS)[number]): Promise<void> {
  await page.click(`#tab-${tab}`);
  await page.waitForSelector(`#panel-${tab}:not([hidden])`);
}

/** What reaches beyond the window's right edge, where it is not scrolled within its own box; empty when all fits. */
async function widerThanWindow(): Promise<unknown> {
  return page.evaluate(`(() => {
    const { clientWidth, scrollWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const beyond = [...document.body.querySelectorAll("*")].filter((one) => one.getBoundingClientRect().right > clientWidth);
    return [scrollWidth + " > " + clientWidth, ...beyond.map((one) => one.localName + "." + one.className)];
  })()`);
}

describe("the live page", () => {
  it("shows the figures of each tab", async () => {
    const at = Date.now();
    const busy = busyFigures(at);
    const users = {
      meetings: 24,
      participants: 131,
      relayParticipants: 29,
      relayShare: 29 / 131,
      relayCostPerHour: 1.45,
    };
    const quality = { excellent: 71, good: 38, fair: 14, poor: 5, unknown: 3 };
    site.view = () => ({ ...busy, webrtc: { ...busy.webrtc, ...users, quality } });
    await open();
    const tiles = await textOf("#panel-http .tiles");
    expect(tiles).toMatch(/Received\s+\d+ kB\/s/);
    expect(tiles).toMatch(/Sent\s+\d\.\d\d MB\/s/);
    expect(tiles).toMatch(/p50\s+\d\d\.\d ms\s+p95\s+\d{3} ms\s+p99\s+\d{3} ms/);
    expect(await textOf("#panel-http .stacks tbody")).toMatch(/GET \/\s+shop\s+1\.90 MB\/s\s+140 \/s\s+30\.0 ms/);
    await showTab("webrtc");
    const webrtc = await textOf("#panel-webrtc .tiles");
    expect(webrtc).toMatch(
      /Active meetings\s+24\s+Users\s+131\s+5\.5 a meeting\s+Over TURN\s+22\.1 %\s+29 of 131 users/,
    );
    expect(webrtc).toMatch(/TURN cost\s+1\.45 \/h/);
    expect(await textOf(".quality-list")).toMatch(/excellent 71 54\.2 %\s+good 38/);
    await showTab("alerts");
    expect(await textOf("#panel-alerts")).toMatch(
      /HTTP p95 latency\s+firing warning\s+namespace=shop service=api\s+322 ms\s+at worst, threshold 300 ms/,
    );
    expect(await textOf("#panel-alerts")).toMatch(/Resolved lately\s+WebRTC packet loss\s+resolved warning/);
    expect(await textOf("#firing")).toBe("2");
  });

  it("has the last five minutes at once, and what is new every two seconds", async () => {
    let requests = 100;
    site.view = () => liveFigures(Date.now(), { http: { requestsPerSecond: requests } });
    await open();
    await page.click("#panel-http summary");
    const rows = await page.locator("#panel-http details[open] tbody tr").count();
    expect(rows).toBeGreaterThan(55);
    requests = 200;
    const first = page.locator("#panel-http .tile:nth-child(3) .number");
    await expect.poll(() => first.textContent(), { timeout: 10_000 }).toBe("200");
  });

  it("is used by keyboard: arrows, Home and End choose a tab, whose name is in the address", async () => {
    await open();
    await page.keyboard.press("Tab");
    expect(await selectedTab()).toBe("tab-http");
    for (const [key, tab] of [
      ["ArrowRight", "webrtc"],
      ["ArrowRight", "alerts"],
      ["ArrowRight", "http"],
      ["ArrowLeft", "alerts"],
      ["Home", "http"],
      ["End", "alerts"],
    ] as const) {
      await page.keyboard.press(key);
      expect(await selectedTab()).toBe(`tab-${tab}`);
      expect(await page.evaluate("document.activeElement.id")).toBe(`tab-${tab}`);
      expect(await page.locator('[role="tabpanel"]:visible').getAttribute("id")).toBe(`panel-${tab}`);
    }
    await page.reload();
    expect(await selectedTab()).toBe("tab-alerts");
    // One stop for all tabs, the next is the panel.
    await page.focus("#tab-alerts");
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.id")).toBe("panel-alerts");
  });

  it("says in words and in a table what a chart shows, and its table stays while it is read", async () => {
    await open();
    const chart = page.getByRole("img", { name: /^Latency, last 5 minutes\. p50: latest .+ ms.+Alert above 300.ms/ });
    expect(await chart.count()).toBe(1);
    await page.locator("figure", { hasText: "Latency" }).locator("summary").press("Enter");
    const cell = page.locator("figure", { hasText: "Latency" }).locator("tbody td").first();
    const before = await cell.textContent();
    expect(before).toMatch(/^\d\d:\d\d:\d\d$/);
    const status = await textOf("#status");
    await expect.poll(() => textOf("#status"), { timeout: 10_000 }).not.toBe(status);
    expect(await cell.textContent()).toBe(before);
  });

  it.each(["light", "dark"] as const)(
    "meets WCAG AA in %s, with figures, without, on a phone, and out of reach",
    async (colorScheme) => {
      await open({ colorScheme });
      const background = await page.evaluate("getComputedStyle(document.body).backgroundColor");
      expect(background).toBe(colorScheme === "dark" ? "rgb(14, 20, 26)" : "rgb(244, 246, 248)");
      for (const tab of TABS) {
        await showTab(tab);
        expect(await accessibilityFaults(page), tab).toEqual([]);
      }
      await page.setViewportSize(PHONE.viewport);
      await showTab("http");
      expect(await accessibilityFaults(page), "phone").toEqual([]);
      await site.close();
      await page.waitForSelector("#banner:not([hidden])");
      expect(await accessibilityFaults(page), "out of reach").toEqual([]);
      await site.listen();
      site.view = () => liveFigures(Date.now());
      site.history = () => liveHistoryOf([]);
      await page.reload();
      await page.waitForSelector("#panels:not([hidden])");
      for (const tab of TABS) {
        await showTab(tab);
        expect(await accessibilityFaults(page), `${tab}, empty`).toEqual([]);
      }
    },
  );

  it("fits a phone and a narrower one, with endpoints of 500 characters and ten thousand meetings", async () => {
    const route = `/${"very-long-segment-".repeat(28)}`.slice(0, 500);
    const participantsByMeeting = Object.fromEntries(
      Array.from({ length: 10_000 }, (_, index) => [`${index}-${"m".repeat(200)}`, 1 + (index % 30)]),
    );
    const scope = "s".repeat(300);
    site.view = () =>
      liveFigures(Date.now(), {
        http: {
          requestsPerSecond: 1e9,
          bytesInPerSecond: 9.99e17,
          topEndpoints: Array.from({ length: 20 }, (_, index) => endpoint({ route: index + route, service: route })),
        },
        webrtc: { meetings: 10_000, participants: 154_995, participantsByMeeting },
        alerts: [alert(Date.now(), { scope })],
      });
    await open(PHONE);
    for (const width of [360, 320]) {
      await page.setViewportSize({ width, height: 700 });
      for (const tab of TABS) {
        await showTab(tab);
        expect(await widerThanWindow(), `${tab} at ${width}`).toEqual([]);
      }
    }
    expect(await page.locator("#panel-http .stacks tbody tr").count()).toBe(20);
    expect(await page.locator("#panel-http .stacks tbody td").first().textContent()).toContain(route.slice(0, 480));
    await showTab("webrtc");
    expect(await textOf("#panel-webrtc")).toContain("and 9,990 more");
  });

  it("shows hostile names as the text that they are", async () => {
    const hostile = `<img src=x onerror="document.title='taken over'"><script>document.title='taken over'</script>`;
    site.view = () =>
      liveFigures(Date.now(), {
        http: { topEndpoints: [endpoint({ method: hostile, route: hostile, service: hostile })] },
        webrtc: { meetings: 1, participants: 1, participantsByMeeting: { [hostile]: 1 } },
        alerts: [alert(Date.now(), { rule: hostile, scope: hostile, severity: hostile })],
      });
    await open();
    expect(await textOf("#panel-http .stacks tbody")).toContain(hostile);
    await showTab("webrtc");
    expect(await textOf("#panel-webrtc")).toContain(hostile);
    await showTab("alerts");
    expect(await textOf("#panel-alerts")).toContain(hostile);
    expect(await page.locator("main img, main script").count()).toBe(0);
    expect(await page.title()).toBe("otel-bandwidth live");
  });

  it("says what to do next where there is nothing to show", async () => {
    site.view = () => liveFigures(Date.now());
    site.history = () => liveHistoryOf([]);
    await open();
    expect(await textOf("#panel-http")).toContain("OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318");
    expect(await textOf("#panel-http")).toContain("node --import otel-bandwidth/register app.js");
    await showTab("webrtc");
    expect(await textOf("#panel-webrtc")).toContain(`url: "${new URL(site.url).origin}"`);
    await showTab("alerts");
    expect(await textOf("#panel-alerts")).toContain("No alert is firing.");
    expect(await page.locator("#firing").isVisible()).toBe(false);
  });

  it("marks figures with their age when the receiver is out of reach, and is live again when it is back", async () => {
    await open();
    expect(await textOf("#status")).toMatch(/^live, \d s old$/);
    await site.close();
    await page.waitForSelector("#banner:not([hidden])");
    expect(await textOf("#status")).toMatch(/^not live, \d+ s old$/);
    const banner = await textOf("#banner");
    expect(banner).toMatch(
      /^The receiver cannot be reached\. Trying again\. The figures below are \d+ s old, from \d\d:/,
    );
    await expect.poll(() => textOf("#banner"), { timeout: 10_000 }).not.toBe(banner);
    expect(await page.textContent('[role="status"]')).toBe("Receiver out of reach, figures are old.");
    await site.listen();
    await page.waitForSelector("#banner", { state: "hidden" });
    expect(await textOf("#status")).toMatch(/^live/);
    expect(await page.textContent('[role="status"]')).toBe("Receiver connected, figures are live.");
  });

  it("says why a receiver that answers has no figures, when it is loaded before there are any", async () => {
    site.fault = "Redis cannot be reached";
    await openWithoutFigures();
    await page.waitForSelector("#banner:not([hidden])");
    expect(await textOf("#banner")).toBe("Redis cannot be reached. Trying again.");
    expect(await textOf("#status")).toBe("not connected");
    expect(await page.locator("#panels").isVisible()).toBe(false);
    site.fault = undefined;
    await page.waitForSelector("#panels:not([hidden])");
  });

  it("moves nothing for those who prefer that", async () => {
    await open({ reducedMotion: "reduce" });
    const moving = await page.evaluate(
      `[...document.querySelectorAll("*")].filter((one) => parseFloat(getComputedStyle(one).transitionDuration) > 0).length`,
    );
    expect(moving).toBe(0);
  });

  it("looks as it should: screenshots for a person", async () => {
    const pictures = mkdtempSync(join(tmpdir(), "otel-bandwidth-pictures-"));
    for (const colorScheme of ["light", "dark"] as const) {
      await open({ colorScheme });
      for (const tab of TABS) {
        await showTab(tab);
        const picture = await page.screenshot({ path: join(pictures, `${tab}-${colorScheme}.png`), fullPage: true });
        expect(picture.length).toBeGreaterThan(10_000);
      }
      if (colorScheme === "light") await page.context().close();
    }
  });
});

describe("a live page whose receiver asks for a token", () => {
  beforeEach(async () => {
    await site.close();
    site = await LiveSite.start(folder, "right-token");
    await openWithoutFigures();
    await page.waitForSelector("#token-prompt:not([hidden])");
  });

  async function give(token: string): Promise<void> {
    await page.fill("#token", token);
    await page.press("#token", "Enter");
  }

  it("asks for it, says when it is wrong, and keeps the right one in this tab only", async () => {
    expect(await textOf("#status")).toBe("token needed");
    expect(await page.evaluate("document.activeElement.id")).toBe("token");
    expect(await accessibilityFaults(page)).toEqual([]);
    await give("wrong token");
    expect(await textOf("#token-problem")).toContain("one word");
    await give("wrong-token");
    await expect.poll(() => textOf("#token-problem"), { timeout: 10_000 }).toContain("does not accept");
    expect(await page.locator("#panels").isVisible()).toBe(false);
    await give("right-token");
    await page.waitForSelector("#panels:not([hidden])");
    expect(await page.locator("#token-prompt").isVisible()).toBe(false);
    await page.reload();
    await page.waitForSelector("#panels:not([hidden])");
    expect(page.url()).not.toContain("right-token");
    expect(await page.evaluate("JSON.stringify([localStorage.length, document.cookie])")).toBe('[0,""]');
    const other = await page.context().newPage();
    await other.goto(site.url);
    await other.waitForSelector("#token-prompt:not([hidden])");
  });

  it("forgets the token and the figures when it is told to", async () => {
    await give("right-token");
    await page.click("#forget-token");
    await page.waitForSelector("#token-prompt:not([hidden])");
    expect(await page.locator("#panels").isVisible()).toBe(false);
    expect(await page.evaluate("sessionStorage.length")).toBe(0);
    expect(await page.inputValue("#token")).toBe("");
  });
});
