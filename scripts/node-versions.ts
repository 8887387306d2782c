/** The Node versions that the package is tried on: the one that runs this script, and the lowest that it claims. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { runOrThrow } from "./run-command.ts";

/** Where tools are kept between runs, outside the repository. */
export function cacheDirectory(): string {
  return join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "otel-bandwidth");
}

/** The path of a Node of exactly this version, fetched from the package registry when it is not in the cache. */
export async function nodeOfVersion(version: string): Promise<string> {
  const directory = join(cacheDirectory(), `node-${version}`);
  const executable = join(directory, "node_modules/node/bin/node");
  if (!existsSync(executable)) {
    mkdirSync(directory, { recursive: true });
    // The package named node links its executable in an install script.
    const manifest = { private: true, allowScripts: { node: true } };
    writeFileSync(join(directory, "package.json"), JSON.stringify(manifest));
    await runOrThrow("npm", ["install", "--no-save", `node@${version}`], { directory });
  }
  const actual = (await runOrThrow(executable, ["--version"])).trim();
  if (actual !== `v${version}`) throw new Error(`${executable} is ${actual}, not v${version}`);
  return executable;
}
