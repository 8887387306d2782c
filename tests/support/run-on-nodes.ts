/**
 * `npm run test:node`: the tests of the HTTP instrumentation on the lowest Node that the package claims, on the newest Node 22,
 * and on the Node of this repository. Arguments go to vitest. Ends with the first status that is not 0.
 */
import { spawn } from "node:child_process";
import { nodeOfVersion } from "../../scripts/node-versions.ts";
import { lowestNodeVersion, readManifest } from "../../scripts/package-manifest.ts";
import { runOrThrow } from "../../scripts/run-command.ts";

const arguments_ = process.argv.slice(2);

/** The newest release of a major version, as the registry has it. */
async function newestOf(major: number): Promise<string> {
  const text = await runOrThrow("npm", ["view", `node@${major}`, "version", "--json"]);
  const versions = [JSON.parse(text) as string | string[]].flat();
  return versions.toSorted((a, b) => a.localeCompare(b, "en", { numeric: true })).at(-1) ?? "";
}

async function runVitest(executable: string): Promise<number> {
  const child = spawn(
    executable,
    ["node_modules/vitest/vitest.mjs", "run", ...(arguments_.length > 0 ? arguments_ : ["tests/http"])],
    { cwd: new URL("../..", import.meta.url), stdio: "inherit" },
  );
  return await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}

const versions = [lowestNodeVersion(readManifest()), await newestOf(22), process.versions.node];
for (const version of versions) {
  process.stdout.write(`\nNode ${version}\n`);
  const executable = version === process.versions.node ? process.execPath : await nodeOfVersion(version);
  process.exitCode ||= await runVitest(executable);
}
