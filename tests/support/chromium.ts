/** A real Chromium for the tests of the page side: found, or installed where that is possible. Headless, loopback only. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const PATHS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Where Chromium is; `TEST_CHROMIUM` names another. Installs Debian's when there is none; throws when that fails. */
function chromiumPath(): string {
  const named = process.env["TEST_CHROMIUM"];
  const find = (): string | undefined => (named === undefined ? PATHS : [named]).find((path) => existsSync(path));
  const found = find();
  if (found !== undefined) return found;
  const install = ["install", "-y", "--no-install-recommends", "chromium"];
  spawnSync("apt-get", ["update"], { stdio: "ignore" });
  spawnSync("apt-get", install, { stdio: "ignore", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
  const installed = find();
  if (installed === undefined)
    throw new Error("these tests need Chromium: install it, or set TEST_CHROMIUM to its path");
  return installed;
}

/** Starts a Chromium with fake media devices. Close it when done. */
export async function startChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath(),
    headless: true,
    args: ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"],
  });
}
