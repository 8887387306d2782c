/** `npm run check`: everything about the code and the package that needs no test run, in order, ended by the first fault. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installIntoEmptyProject, packInto, tryInstalledPackage } from "./installed-package.ts";
import { nodeOfVersion } from "./node-versions.ts";
import { lowestNodeVersion, manifestFaults, readLockfile, readManifest } from "./package-manifest.ts";
import { ROOT, runCommand } from "./run-command.ts";

const manifest = readManifest();
const packDirectory = mkdtempSync(join(tmpdir(), "pack-"));
let tarball = "";
let project = "";

/** Runs a step and prints how long it took; ends the process with what it said when it fails. */
async function step(name: string, work: () => Promise<void>): Promise<void> {
  const start = performance.now();
  let fault = "";
  try {
    await work();
  } catch (error) {
    fault = error instanceof Error ? error.message : String(error);
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  if (fault === "") {
    console.log(`ok   ${seconds.padStart(6)} s  ${name}`);
    return;
  }
  console.log(`FAIL ${seconds.padStart(6)} s  ${name}\n\n${fault}`);
  cleanUp();
  process.exit(1);
}

/** A step that is a tool of this repository, by the path of its script in `node_modules`. */
async function tool(name: string, script: string, ...toolArguments: string[]): Promise<void> {
  await step(name, async () => {
    const outcome = await runCommand(process.execPath, [join(ROOT, script), ...toolArguments]);
    if (outcome.exitCode !== 0) throw new Error(outcome.everything);
  });
}

function cleanUp(): void {
  rmSync(packDirectory, { recursive: true, force: true });
  if (project !== "") rmSync(project, { recursive: true, force: true });
}

await step("manifest and lockfile", async () => {
  const faults = manifestFaults(manifest, readLockfile());
  if (faults.length > 0) throw new Error(faults.join("\n"));
});
await tool("format", "node_modules/oxfmt/bin/oxfmt", "--check", ".");
await tool("lint", "node_modules/oxlint/bin/oxlint", "--type-aware", "--deny-warnings");
await tool("types", "node_modules/typescript/bin/tsc", "-p", "tsconfig.json", "--noEmit");
await tool("types of the live page", "node_modules/typescript/bin/tsc", "-p", "src/live", "--noEmit");
await tool("unused code and dependencies", "node_modules/knip/bin/knip.js");
await tool("documentation up to date", "scripts/docs.ts", "--check");
await tool("Grafana files up to date", "scripts/dashboards.ts", "--check");
await tool("build", "scripts/build.ts");
await step("pack", async () => {
  tarball = await packInto(packDirectory);
});
await tool("publint", "node_modules/publint/src/cli.js", "run", tarball, "--strict");
await tool(
  "types as users see them",
  "node_modules/@arethetypeswrong/cli/dist/index.js",
  tarball,
  "--profile",
  "esm-only",
);
await step("install into an empty project", async () => {
  project = await installIntoEmptyProject(tarball, manifest);
});
await step(`every entry point on Node ${process.versions.node}`, () =>
  tryInstalledPackage(project, process.execPath, manifest),
);
const lowest = lowestNodeVersion(manifest);
await step(`every entry point on Node ${lowest}`, async () =>
  tryInstalledPackage(project, await nodeOfVersion(lowest), manifest),
);
cleanUp();
