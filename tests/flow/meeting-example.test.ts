/** The example of a meeting, run as its README says: two tabs meet, one through TURN, and the bill names that one. */
import { cp, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { ROOT, runOrThrow } from "../../scripts/run-command.ts";
import { type ChildApp, startApp } from "../http/support/child-app.ts";
import { startChromium } from "../support/chromium.ts";
import { freePort } from "../support/free-port.ts";
import { participantTotals } from "../support/meeting-receiver.ts";

vi.setConfig({ testTimeout: 120_000 });

let folder: string;
let app: ChildApp;
let browser: Browser;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "otel-bandwidth-example-"));
  // As `npm install` would leave it: the package as it is built, beside what the example names.
  const installed = join(folder, "node_modules/otel-bandwidth");
  await mkdir(installed, { recursive: true });
  await runOrThrow(process.execPath, [join(ROOT, "scripts/build.ts"), join(installed, "dist")]);
  await cp(join(ROOT, "package.json"), join(installed, "package.json"));
  await symlink(join(ROOT, "node_modules"), join(installed, "node_modules"));
  await symlink(join(ROOT, "node_modules/jose"), join(folder, "node_modules/jose"));
  await cp(join(ROOT, "examples/webrtc-meeting"), folder, { recursive: true });
  const ports = { OTLP_PORT: "0", BRIDGE_PORT: "0", TURN_PORT: String(await freePort()) };
  [app, browser] = await Promise.all([startApp(folder, ["server.js"], ports), startChromium()]);
});

afterAll(async () => {
  await browser?.close();
  if (app?.child.exitCode === null) await app.end();
  await rm(folder, { recursive: true, force: true });
});

async function openTab(query: string): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${app.port}/${query}`);
  return page;
}

function badge(page: Page): Promise<string> {
  return page.locator("#badge").innerText();
}

describe("the example of a meeting", () => {
  it("lets two tabs meet, shows each its own numbers, and bills the one that is relayed", async () => {
    const first = await openTab("");
    await first.waitForFunction("document.querySelector('#own').srcObject !== null");
    const second = await openTab("?relay");
    for (const tab of [first, second]) {
      await tab.waitForFunction(
        "document.querySelector('#badge').dataset.level !== 'unknown' && document.querySelector('#other').currentTime > 1",
      );
    }
    expect(await badge(first)).toContain("direct");
    expect(await badge(second)).toMatch(/relayed by 127\.0\.0\.1:\d+ over udp/);
    await second.close();
    await first.waitForFunction("document.querySelector('#badge').textContent.startsWith('waiting')");
    await first.close();
    expect(await app.end(), app.output()).toBe(0);
    const [direct, relayed] = ["guest-1", "guest-2"].map((guest) =>
      participantTotals(join(folder, "data"), "lobby", guest),
    );
    expect(direct).toMatchObject({ relayBytes: 0, relayCostNanos: 0 });
    expect(direct!.bytesIn).toBeGreaterThan(10_000);
    expect(relayed!.relayBytes).toBe(relayed!.bytesIn + relayed!.bytesOut);
    expect(relayed!.relayCostNanos).toBeGreaterThan(0);
    const [, command] = /npx otel-bandwidth (bill .*)/.exec(app.output())!;
    const main = join(folder, "node_modules/otel-bandwidth/dist/app/main.js");
    expect(await runOrThrow(process.execPath, [main, ...command!.split(" ")], { directory: folder })).toContain(
      "guest-2",
    );
  });

  it("tells what else there is to see", () => {
    expect(app.output()).toContain("/?relay");
    expect(app.output()).toContain("otel-bandwidth bill");
  });
});
