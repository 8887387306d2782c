/** A real Chromium for the tests of the page side: found, or installed where that is possible. Headless, loopback only. */
import { type Browser, chromium } from "playwright-core";
import { findOrInstall } from "./debian-program.ts";

/** Starts a Chromium with fake media devices. Close it when done. */
export async function startChromium(): Promise<Browser> {
  const executablePath = findOrInstall({
    name: "Chromium",
    paths: ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"],
    debianPackage: "chromium",
    variable: "TEST_CHROMIUM",
  });
  return chromium.launch({
    executablePath,
    headless: true,
    args: ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"],
  });
}
