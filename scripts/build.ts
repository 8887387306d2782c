/**
 * Builds `dist/`, or another folder that is named, from `src/`: compiled files, type declarations, and the assets that the code
 * reads beside itself.
 */
import { chmodSync, copyFileSync, globSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { bundleBrowser } from "./browser-bundle.ts";
import { writeLivePage } from "./live-bundle.ts";
import { ROOT, runCommand } from "./run-command.ts";

/** What is copied as it is, by its place in `src/`. */
const ASSETS = ["**/*.sql"];

const sourceDirectory = join(ROOT, "src");
const outputDirectory = process.argv[2] ?? join(ROOT, "dist");

rmSync(outputDirectory, { recursive: true, force: true });

const compiled = await runCommand(process.execPath, [
  join(ROOT, "node_modules/typescript/bin/tsc"),
  "-p",
  join(ROOT, "tsconfig.build.json"),
  "--outDir",
  outputDirectory,
]);
process.stdout.write(compiled.everything);
if (compiled.exitCode !== 0) process.exit(compiled.exitCode);

for (const asset of globSync(ASSETS, { cwd: sourceDirectory })) {
  const target = join(outputDirectory, asset);
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(join(sourceDirectory, asset), target);
}

// Pages get a bundle in place of what was compiled file by file; the types stay.
const browserDirectory = join(outputDirectory, "browser");
for (const compiledFile of globSync("*.js", { cwd: browserDirectory })) rmSync(join(browserDirectory, compiledFile));
for (const { name, code } of await bundleBrowser()) writeFileSync(join(browserDirectory, name), code);

await writeLivePage(join(outputDirectory, "live"));

chmodSync(join(outputDirectory, "app/main.js"), 0o755);
