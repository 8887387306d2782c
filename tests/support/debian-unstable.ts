/** Servers of Debian unstable for tests that need a newer one than the machine has: each in a folder of its own that is kept. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { debianMirror } from "./apt-sources.ts";

/** A server of Debian unstable. */
export interface UnstableServer {
  /** For a person. */
  readonly name: string;
  /** The folder's name in the cache. */
  readonly folder: string;
  /** The Debian packages that hold it, and nothing that starts it. */
  readonly packages: readonly string[];
  /** Its program, as a path within the folder. */
  readonly program: string;
  /** What `--version` must say. */
  readonly version: RegExp;
}

/** Why the server cannot be had on this machine, for a person who ran `command`; undefined when it can. */
export function unstableObstacle(server: UnstableServer, command: string): string | undefined {
  if (process.platform !== "linux" || !existsSync("/etc/debian_version")) {
    return `${command} needs a Debian machine (it runs ${server.name} from Debian unstable)`;
  }
  if (process.getuid?.() !== 0) return `${command} must run as root: debootstrap and chroot need it`;
  if (debianMirror() === undefined && !isInstalled(server)) {
    return `${command} found no Debian mirror in /etc/apt/sources.list or /etc/apt/sources.list.d`;
  }
  return undefined;
}

/** The root folder that the server runs in by `chroot`, installed first where it is not. Throws saying what failed. */
export function unstableRoot(server: UnstableServer): string {
  const root = rootFolder(server);
  if (!isInstalled(server)) install(server, root);
  const version = outputOf("chroot", [root, `/${server.program}`, "--version"]);
  if (!server.version.test(version)) throw new Error(`expected ${server.name} in ${root} (got ${version.trim()})`);
  return root;
}

/** Where the server is kept: `OTEL_BANDWIDTH_TEST_CACHE`, else the user's cache folder. */
function rootFolder({ folder }: UnstableServer): string {
  const cache = process.env["OTEL_BANDWIDTH_TEST_CACHE"] ?? join(homedir(), ".cache", "otel-bandwidth");
  return join(cache, folder);
}

function isInstalled(server: UnstableServer): boolean {
  return existsSync(join(rootFolder(server), server.program));
}

function install({ packages }: UnstableServer, root: string): void {
  const mirror = debianMirror();
  if (mirror === undefined) throw new Error("no Debian mirror in /etc/apt");
  if (spawnSync("debootstrap", ["--version"]).status !== 0) {
    outputOf("apt-get", ["update"]);
    outputOf("apt-get", ["install", "--yes", "debootstrap"]);
  }
  // Under another name until it is whole: an interrupted download is not taken for the server.
  const partial = `${root}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(dirname(root), { recursive: true });
  process.stdout.write(`installing ${packages.join(", ")} of Debian unstable into ${root}; this takes some minutes\n`);
  try {
    outputOf("debootstrap", ["--variant=minbase", `--include=${packages.join(",")}`, "unstable", partial, mirror]);
  } catch (error) {
    const log = join(partial, "debootstrap/debootstrap.log");
    if (existsSync(log)) process.stderr.write(readFileSync(log, "utf8").slice(-3000));
    throw error;
  }
  renameSync(partial, root);
}

/** What a command prints. Throws with its output when it fails. */
export function outputOf(command: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8", maxBuffer: 2 ** 26 });
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.join(" ")} failed: ${error?.message ?? (stderr || stdout).slice(-2000)}`);
}
