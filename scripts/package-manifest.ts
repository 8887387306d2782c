/** What the package's own manifest says, for the checks of the package. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./run-command.ts";

/** The fields of `package.json` that the checks read. */
export interface PackageManifest {
  readonly name: string;
  readonly version: string;
  readonly engines: { readonly node: string };
  readonly exports: Readonly<Record<string, unknown>>;
  readonly bin: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

/** Reads `package-lock.json` as text. */
export function readLockfile(): string {
  return readFileSync(join(ROOT, "package-lock.json"), "utf8");
}

/** Reads `package.json`. */
export function readManifest(): PackageManifest {
  return JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as PackageManifest;
}

/** The lowest version of Node that the package claims to run on: `>=22.15` is 22.15.0. Throws on another form. */
export function lowestNodeVersion(manifest: PackageManifest): string {
  const [, major, minor, patch = "0"] = /^>=(\d+)\.(\d+)(?:\.(\d+))?$/.exec(manifest.engines.node) ?? [];
  if (major === undefined) throw new Error(`engines.node: expected >=X.Y (got ${manifest.engines.node})`);
  return `${major}.${minor}.${patch}`;
}

/**
 * What is wrong with the manifest and the lockfile beyond what other tools see: empty when nothing is.
 * The peer must never be a dependency: two copies of the API of different versions do not see each other.
 */
export function manifestFaults(manifest: PackageManifest, lockfile: string): string[] {
  const faults: string[] = [];
  for (const peer of Object.keys(manifest.peerDependencies)) {
    if (peer in manifest.dependencies) faults.push(`${peer} is a peer and must not be a dependency`);
    if (!(peer in manifest.devDependencies)) faults.push(`${peer} is a peer and must be a devDependency too`);
  }
  for (const [name, range] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
    // An alias names its package before the range.
    if (!/^(npm:.+@)?\^/.test(range)) faults.push(`${name}: expected a caret range (got ${range})`);
  }
  if (lockfile.includes('"resolved": "http')) faults.push("package-lock.json names a registry (resolved)");
  return [...faults, ...missingOptionalPackages(lockfile)];
}

/** Optional packages (binaries of other platforms) that the lockfile leaves out: `npm ci` refuses such a lockfile. */
function missingOptionalPackages(lockfile: string): string[] {
  const { packages } = JSON.parse(lockfile) as {
    packages: Record<string, { optionalDependencies?: Record<string, string> }>;
  };
  const locked = new Set(Object.keys(packages).map((path) => path.slice(path.lastIndexOf("node_modules/") + 13)));
  const wanted = Object.values(packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}));
  return wanted.filter((name) => !locked.has(name)).map((name) => `package-lock.json has no ${name}`);
}
