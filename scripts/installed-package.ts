/** Tries the package as a user gets it: packed, installed into an empty project, every entry point imported. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import type { PackageManifest } from "./package-manifest.ts";
import { runOrThrow } from "./run-command.ts";

/** Packs what `dist/` holds into a directory and returns the path of the tarball. */
export async function packInto(directory: string): Promise<string> {
  const printed = await runOrThrow("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", directory]);
  const [packed] = Object.values(JSON.parse(printed) as Record<string, { filename: string }>);
  if (packed === undefined) throw new Error("npm pack packed nothing");
  return join(directory, packed.filename);
}

/** An empty project with the package installed from its tarball. Remove its directory when done. */
export async function installIntoEmptyProject(tarball: string, manifest: PackageManifest): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "installed-package-"));
  writeFileSync(join(directory, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const peers = Object.keys(manifest.peerDependencies).map((peer) => `${peer}@${manifest.devDependencies[peer]}`);
  try {
    await runOrThrow("npm", ["install", tarball, ...peers], { directory });
  } catch (error) {
    rmSync(directory, { recursive: true });
    throw error;
  }
  return directory;
}

/** Imports every entry point with this Node and runs the command line. Throws at the first that fails. */
export async function tryInstalledPackage(
  directory: string,
  nodeExecutable: string,
  manifest: PackageManifest,
): Promise<void> {
  // Nothing may be sent or listened to while an entry point is only looked at.
  const environment = {
    OTEL_SDK_DISABLED: "true",
    PATH: `${dirname(nodeExecutable)}${delimiter}${process.env["PATH"] ?? ""}`,
  };
  for (const entry of Object.keys(manifest.exports)) {
    const specifier = JSON.stringify(manifest.name + entry.slice(1));
    const options = entry.endsWith(".json") ? `, { with: { type: "json" } }` : "";
    const program = `const loaded = await import(${specifier}${options});
      if (typeof loaded !== "object") process.exit(1);
      process.exit(0);`;
    await runOrThrow(nodeExecutable, ["--input-type=module", "-e", program], { directory, environment });
  }
  for (const command of Object.keys(manifest.bin)) {
    const executable = join(directory, "node_modules/.bin", command);
    const printed = await runOrThrow(executable, ["--version"], { directory, environment });
    if (!printed.includes(manifest.version)) {
      throw new Error(`${command} --version: expected ${manifest.version} (got ${printed.trim()})`);
    }
  }
}
