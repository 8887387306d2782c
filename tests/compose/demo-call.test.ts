/** The page `/call` of Compose's demo in a real Chromium, through a real coturn: what it sends is stored as relayed. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { ROOT } from "../../scripts/run-command.ts";
import { createReceiver } from "../../src/app/receiver.ts";
import { startChromium } from "../support/chromium.ts";
import { endsWithUs } from "../support/ends-with-us.ts";
import { freePort } from "../support/free-port.ts";
import { embeddedColumnSums } from "../support/totals.ts";
import { startTurnServer, TURN_SECRET } from "../support/turn-server.ts";

const JWT_SECRET = "a1".repeat(24);
const cleanUps: (() => Promise<unknown> | void)[] = [];

afterAll(async () => {
  for (const cleanUp of cleanUps.toReversed()) await cleanUp();
});

it("a call of two ends in one page is relayed, measured and stored", { timeout: 120_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "otel-bandwidth-demo-call-"));
  cleanUps.push(() => rmSync(folder, { recursive: true, force: true }));
  const turn = await startTurnServer();
  cleanUps.push(() => turn.stop());
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const receiver = createReceiver({
    environment: {},
    dataDirectory: folder,
    otlpPort: 0,
    bridgePort: 0,
    bridgeJwtSecret: JWT_SECRET,
    bridgeOrigins: [origin],
    webrtcEmitThrottleMillis: 1000,
    processIntervalMillis: 100,
    persistIntervalMillis: 200,
  });
  cleanUps.push(() => receiver.stop());
  const { bridgePort } = await receiver.start();
  const demo = spawn(process.execPath, [join(ROOT, "examples/compose-demo/app.js")], {
    env: {
      PATH: process.env["PATH"],
      PORT: String(port),
      DEMO_REQUESTS_PER_SECOND: "0",
      BRIDGE_URL: `http://127.0.0.1:${bridgePort}`,
      BRIDGE_JWT_SECRET: JWT_SECRET,
      TURN_URL: `turn:127.0.0.1:${turn.port}?transport=udp`,
      TURN_SECRET,
    },
    stdio: "ignore",
  });
  endsWithUs(demo);
  cleanUps.push(() => void demo.kill());
  await expect
    .poll(
      () =>
        fetch(origin).then(
          (answer) => answer.ok,
          () => false,
        ),
      { timeout: 20_000 },
    )
    .toBe(true);
  const browser = await startChromium();
  cleanUps.push(() => browser.close());
  const page = await browser.newPage();
  await page.goto(`${origin}/call`);
  const state = async (): Promise<string> => (await page.textContent("#state")) ?? "";
  await expect.poll(state, { timeout: 30_000 }).toMatch(/^visitor-\w+: relayed by 127\.0\.0\.1:\d+, quality \w+$/);
  const relayed = async (): Promise<bigint> => (await embeddedColumnSums(folder))["relay_bytes"] ?? 0n;
  await expect.poll(relayed, { timeout: 30_000, interval: 200 }).toBeGreaterThan(10_000n);
});
