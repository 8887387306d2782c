/**
 * HTTP load and a relayed call are seen on the live page of a real receiver, and their alerts fire and are resolved there: a real
 * app, a call of two in a real Chromium through a real coturn, the page in another window. Only the minutes that rules wait are skipped.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { loadSettings } from "../../src/app/load-settings.ts";
import { type Listening, Pipeline } from "../../src/app/pipeline.ts";
import { TokenKeys } from "../../src/bridge/token-keys.ts";
import {
  formatCount,
  formatPricePerHour,
  formatRatio,
  formatSeconds,
  type Quantity,
} from "../../src/live/format-quantity.ts";
import { systemClock } from "../../src/model/clock.ts";
import type { LiveView } from "../../src/realtime/live-view.ts";
import { endRegistered, type RegisteredApp, startRegistered } from "../http/support/registered-app.ts";
import { bundledPage, removePage } from "../live/live-site.ts";
import { Call, CallSite } from "../support/call-page.ts";
import { startChromium } from "../support/chromium.ts";
import { valueOf } from "../support/log-entries.ts";
import { ShiftedClock } from "../support/shifted-clock.ts";
import { startTurnServer, type TurnServer } from "../support/turn-server.ts";

const SECRET = "a secret for tests, of more than 32 characters";
const MEETING = "standup";
const PRICE_PER_USER_HOUR = 0.36;
const POLL = { timeout: 30_000, interval: 100 };

let folder: string;
let pageFolder: string;
let clock: ShiftedClock;
let pipeline: Pipeline;
let listening: Listening;
let app: RegisteredApp;
let turn: TurnServer;
let site: CallSite;
let browser: Browser;
let call: Call;
let page: Page;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "otel-bandwidth-page-call-"));
  [browser, pageFolder, turn, site] = await Promise.all([
    startChromium(),
    bundledPage(),
    startTurnServer(),
    CallSite.start(),
  ]);
  clock = new ShiftedClock();
  const given = {
    dataDirectory: folder,
    otlpPort: 0,
    bridgePort: 0,
    bridgeOrigins: [site.url],
    bridgeJwtSecret: SECRET,
    turnCostPerUserHour: PRICE_PER_USER_HOUR,
    webrtcEmitThrottleMillis: 1000,
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
  await browser?.close();
  if (app !== undefined) await endRegistered(app, (child) => void child.send("stop"));
  await pipeline?.stop();
  await turn?.stop();
  await site?.close();
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

/** A call of two, whose caller is relayed. */
async function startCall(): Promise<Call> {
  const keys = new TokenKeys({ secret: SECRET, clock: systemClock });
  const token = (participant: string): Promise<string> =>
    keys.issue({ meeting: MEETING, participant, role: "participant", expiresInSeconds: 3_600 });
  return await Call.start(await browser.newPage(), site, {
    bridge: `http://127.0.0.1:${listening.bridgePort}`,
    tokens: { caller: await token("caller"), callee: await token("callee") },
    turn: { url: `turn:127.0.0.1:${turn.port}?transport=udp`, ...turn.credentials(MEETING) },
  });
}

async function receiverView(): Promise<LiveView> {
  return (await (await fetch(`http://127.0.0.1:${listening.bridgePort}/api/live`)).json()) as LiveView;
}

/** A tile of the WebRTC tab. */
function tile(label: string): Locator {
  return page.locator("#panel-webrtc .tile", { has: page.locator("h2", { hasText: label }) });
}

async function numbers(label: string): Promise<string[]> {
  return await tile(label).locator(".number").allTextContents();
}

function texts(...quantities: Quantity[]): string[] {
  return quantities.map(({ value }) => value);
}

function alertCard(title: string): Locator {
  return page.locator("#panel-alerts .alert", { hasText: title });
}

async function stateOf(title: string): Promise<string | null> {
  return await alertCard(title)
    .getAttribute("data-state", { timeout: 500 })
    .catch(() => null);
}

/** Skips the minutes that a rule waits, until the page shows what it should. */
async function skipUntil(shown: () => Promise<boolean>): Promise<void> {
  const look = async (): Promise<boolean> => {
    if (await shown()) return true;
    clock.jump(60_000);
    return false;
  };
  await expect.poll(look, { timeout: 90_000, interval: 2500 }).toBe(true);
}

it("says how a page gets a token before there is a call", async () => {
  await page.goto(`http://127.0.0.1:${listening.bridgePort}/#webrtc`);
  const empty = page.locator("#panel-webrtc .empty");
  await empty.waitFor();
  expect(await empty.innerText()).toContain("otel-bandwidth token --meeting");
});

it(
  "the requests and the relayed call are there, with the numbers that the receiver has",
  { timeout: 120_000 },
  async () => {
    call = await startCall();
    await request("/fail", 60);
    await request("/fine", 60);
    const { bytesSent } = await call.counts("caller");
    expect(bytesSent).toBeGreaterThan(0);
    // Until round trips are known, and somebody's quality: that takes some looks at the connection.
    const isWhole = ({ webrtc }: LiveView): boolean =>
      webrtc.participants === 2 && webrtc.relayParticipants === 1 && webrtc.roundTripTimeSeconds.p95 !== null;
    await expect.poll(async () => isWhole(await receiverView()), POLL).toBe(true);
    // One answer of the receiver, told to the page again and again: what it shows can be compared with it.
    const view = await receiverView();
    const { webrtc } = view;
    await page.route("**/api/live", (route) => route.fulfill({ json: view }));
    await expect.poll(() => tile("Over TURN").innerText(), POLL).toContain("1 of 2 users");
    expect(webrtc).toMatchObject({ meetings: 1, participantsByMeeting: { [MEETING]: 2 }, relayShare: 0.5 });
    expect(webrtc.relayCostPerHour).toBeCloseTo(PRICE_PER_USER_HOUR, 1);
    expect(await numbers("Active meetings")).toEqual(["1"]);
    expect(await numbers("Users")).toEqual(["2"]);
    expect(await numbers("Over TURN")).toEqual(texts(formatRatio(0.5)));
    expect(await numbers("TURN cost")).toEqual(texts(formatPricePerHour(webrtc.relayCostPerHour)));
    expect(await numbers("Packet loss")).toEqual(texts(formatRatio(webrtc.packetLossRatio)));
    const { p50, p95 } = webrtc.roundTripTimeSeconds;
    expect(await numbers("Round-trip time")).toEqual(texts(formatSeconds(p50), formatSeconds(p95)));
    const levels = Object.entries(webrtc.quality);
    expect(await page.locator("#panel-webrtc .quality-list strong").allTextContents()).toEqual(
      levels.map(([, participants]) => formatCount(participants).value),
    );
    expect(await page.innerText("#panel-webrtc")).toContain(MEETING);
    await page.unroute("**/api/live");
    await page.click("#tab-http");
    await expect.poll(() => page.innerText("#panel-http .stacks tbody"), POLL).toContain("cart");
  },
);

it("their alerts fire, and are among the resolved ones when it is over", { timeout: 300_000 }, async () => {
  await page.click("#tab-alerts");
  const [errors, relay] = ["HTTP error ratio", "TURN relay in use"] as const;
  await skipUntil(async () => (await stateOf(errors)) === "firing" && (await stateOf(relay)) === "firing");
  const text = async (title: string): Promise<string> => (await alertCard(title).innerText()).replaceAll("\u00A0", " ");
  expect(await text(errors)).toMatch(/firing critical\s+service=cart\s+50\.0 %\s+at worst, threshold 5\.00 %/);
  expect(await text(relay)).toMatch(/firing info\s+everything\s+<?0?\.\d relayed\s+at worst, threshold 0 relayed/);
  expect(await page.locator("#panel-alerts .calm").isVisible()).toBe(false);
  expect(Number(await page.innerText("#firing"))).toBeGreaterThan(0);
  await call.end();
  await request("/fine", 2000);
  await skipUntil(async () => (await stateOf(errors)) === "resolved" && (await stateOf(relay)) === "resolved");
  expect(await page.innerText("#panel-alerts")).toMatch(/Resolved lately[^]*HTTP error ratio\s+resolved critical/);
});
