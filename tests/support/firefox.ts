/** A real Firefox for the tests of the page side, driven over WebDriver BiDi: playwright-core starts only builds of its own. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launch } from "puppeteer-core";
import type { ScriptedPage } from "./call-page.ts";
import { findOrInstall } from "./debian-program.ts";

/** A browser that opens pages. */
export interface Firefox {
  readonly version: string;
  newPage(): Promise<ScriptedPage & { close(): Promise<void> }>;
  close(): Promise<void>;
}

/** Starts a Firefox with fake media devices. Close it when done. */
export async function startFirefox(): Promise<Firefox> {
  const executablePath = findOrInstall({
    name: "Firefox",
    paths: ["/usr/bin/firefox-esr", "/usr/bin/firefox"],
    debianPackage: "firefox-esr",
    variable: "TEST_FIREFOX",
  });
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
    },
  });
  return {
    version: await browser.version(),
    async newPage() {
      const page = await browser.newPage();
      return {
        goto: (url) => page.goto(url),
        evaluate: (script) => page.evaluate(script),
        close: () => page.close(),
      };
    },
    async close() {
      await browser.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}
