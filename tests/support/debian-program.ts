/** Programs that tests run beside themselves: found, or installed where that is possible. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

/** One program. */
export interface DebianProgram {
  /** For a person. */
  readonly name: string;
  /** Where it may be. */
  readonly paths: readonly string[];
  readonly debianPackage: string;
  /** The environment variable that names another. */
  readonly variable: string;
}

/** Where it is. Installs Debian's when there is none; throws, saying what to do, when that fails. */
export function findOrInstall({ name, paths, debianPackage, variable }: DebianProgram): string {
  const named = process.env[variable];
  const find = (): string | undefined => (named === undefined ? paths : [named]).find((path) => existsSync(path));
  const found = find();
  if (found !== undefined) return found;
  const install = ["install", "-y", "--no-install-recommends", debianPackage];
  spawnSync("apt-get", ["update"], { stdio: "ignore" });
  spawnSync("apt-get", install, { stdio: "ignore", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
  const installed = find();
  if (installed !== undefined) return installed;
  throw new Error(
    `these tests need ${name} (Debian: apt-get install ${debianPackage}): install it, or set ${variable} to its path`,
  );
}
