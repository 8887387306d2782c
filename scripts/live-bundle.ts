/**
 * Bundles the live page: one script, one style sheet and an icon, each with a hash of its content in its name, so that they
 * may be kept for ever, and the HTML that names them.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { rolldown } from "rolldown";
import { ROOT } from "./run-command.ts";

const SOURCE = join(ROOT, "src/live");

/** One file of the page. */
export interface LivePageFile {
  /** `index.html`, or a path below `assets/`. */
  readonly path: string;
  readonly text: string;
}

/** Bundles the page. Throws on a fault. */
export async function bundleLivePage(): Promise<LivePageFile[]> {
  const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
  const script = asset("live-page.js", await bundleScript());
  const style = asset("live-page.css", read("node_modules/uplot/dist/uPlot.min.css") + read("src/live/live-page.css"));
  const icon = asset("icon.svg", read("src/live/icon.svg"));
  const html = read("src/live/index.html")
    .replace("%SCRIPT%", script.path)
    .replace("%STYLE%", style.path)
    .replace("%ICON%", icon.path);
  return [{ path: "index.html", text: html }, script, style, icon];
}

/** Bundles the page into a directory, in place of what is there. */
export async function writeLivePage(directory: string): Promise<void> {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(join(directory, "assets"), { recursive: true });
  for (const { path, text } of await bundleLivePage()) writeFileSync(join(directory, path), text);
}

async function bundleScript(): Promise<string> {
  const build = await rolldown({ input: join(SOURCE, "main.ts"), platform: "browser" });
  const { output } = await build.generate({ format: "esm", minify: true, codeSplitting: false });
  await build.close();
  return output[0].code;
}

function asset(name: string, text: string): LivePageFile {
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 12);
  const extension = extname(name);
  return { path: `assets/${name.slice(0, -extension.length)}.${hash}${extension}`, text };
}
