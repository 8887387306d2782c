/** A real Firefox for the tests of the page side, driven over WebDriver BiDi: playwright-core starts only builds of its own. */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launch } from "puppeteer-core";
import type { ScriptedPage } from "./call-page.ts";

const PATHS = ["/usr/bin/firefox-esr", "/usr/bin/firefox"];

/** A browser that opens pages. */
export interface Firefox {
  readonly version: string;
  newPage(): Promise<ScriptedPage>;
  close(): Promise<void>;
}

/** Starts a Firefox with fake media devices. Throws where there is none: `TEST_FIREFOX` names another. */
export async function startFirefox(): Promise<Firefox> {
  const named = process.env["TEST_FIREFOX"];
  const executablePath = (named === undefined ? PATHS : [named]).find((path) => existsSync(path));
  if (executablePath === undefined) {
    throw new Error("these tests need Firefox (Debian: firefox-esr): install it, or set TEST_FIREFOX to its path");
  }
  const home = await mkdtemp(join(tmpdir(), "otel-bandwidth-firefox-"));
  const browser = await launch({
    browser: "firefox",
    executablePath,
    headless: true,
    env: { ...process.env, HOME: home, MOZ_DISABLE_CONTENT_SANDBOX: "1" },
    extraPrefsFirefox: {
      "media.navigator.streams.fake": true,
      "media.navigator.permission.disabled": true,
      "media.peerconnection.ice.loopback": true,
      "media.peerconnection.ice.obfuscate_host_addresses": false,
      // Firefox speaks to TURN servers on ports of its own list unless told.
      "network.websocket.allowInsecureFromHTTPS": true,
    },
  });
  return {
    version: await browser.version(),
    async newPage() {
      const page = await browser.newPage();
      return { goto: (url) => page.goto(url), evaluate: (script) => page.evaluate(script) };
    },
    async close() {
      await browser.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}
