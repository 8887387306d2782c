/** MySQL 9.7 LTS for `npm run test:mysql`: the server of Debian unstable, in a folder of its own that is kept. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { debianMirror } from "./apt-sources.ts";
import { type PrivateSqlServer, TEST_SERVER_SETTINGS, TEST_USER_SQL, startSqlServer } from "./sql-server.ts";

/** The Debian package that holds `mysqld` and nothing that starts it. */
const PACKAGE = "mysql-server-core";

/** The versions that count as the LTS we promise. */
const LTS_VERSION = /Ver 9\.7\./;

/** Paths within the folder, as the server in its root sees them. */
const DATA_FOLDER = "/srv/otel-bandwidth-data";
const INIT_FILE = "/srv/otel-bandwidth-init.sql";

/** Why the server cannot be had on this machine; undefined when it can. */
export function mysql97Obstacle(): string | undefined {
  if (process.platform !== "linux" || !existsSync("/etc/debian_version")) {
    return "npm run test:mysql needs a Debian machine (it runs MySQL 9.7 from Debian unstable)";
  }
  if (process.getuid?.() !== 0) return "npm run test:mysql must run as root: debootstrap and chroot need it";
  if (debianMirror() === undefined && !existsSync(join(rootFolder(), "usr/sbin/mysqld"))) {
    return "npm run test:mysql found no Debian mirror in /etc/apt/sources.list or /etc/apt/sources.list.d";
  }
  return undefined;
}

/** The folder of MySQL 9.7, a root for `chroot`; installs it first where it is not. Throws saying what failed. */
export function mysql97Root(): string {
  const root = rootFolder();
  if (!existsSync(join(root, "usr/sbin/mysqld"))) install(root);
  const version = check("chroot", [root, "mysqld", "--version"]);
  if (!LTS_VERSION.test(version)) throw new Error(`expected MySQL 9.7 in ${root} (got ${version.trim()})`);
  process.stdout.write(version);
  return root;
}

/** Runs `mysqld` of that root until it ends, in order to make a folder of data. Throws with what it printed. */
export function runMysql97(root: string, options: readonly string[]): void {
  check("chroot", [root, "mysqld", ...options]);
}

/** Starts MySQL 9.7 on a free loopback port, installing it first where it is not. Throws saying what failed. */
export async function startMysql97(): Promise<PrivateSqlServer> {
  const root = mysql97Root();
  const data = join(root, DATA_FOLDER);
  rmSync(data, { recursive: true, force: true });
  mkdirSync(data, { recursive: true });
  writeFileSync(join(root, INIT_FILE), TEST_USER_SQL);
  const common = ["--no-defaults", "--user=root", `--datadir=${DATA_FOLDER}`];
  runMysql97(root, [...common, "--initialize-insecure"]);
  return await startSqlServer({
    command: "chroot",
    arguments: (port) => [
      root,
      "mysqld",
      ...common,
      `--port=${port}`,
      `--socket=${DATA_FOLDER}/s.sock`,
      "--mysqlx=OFF",
      `--pid-file=${DATA_FOLDER}/pid`,
      `--init-file=${INIT_FILE}`,
      "--secure-file-priv=NULL",
      ...TEST_SERVER_SETTINGS,
    ],
    clean: async () => rmSync(data, { recursive: true, force: true }),
  });
}

/** Where the server is kept: `OTEL_BANDWIDTH_TEST_CACHE`, else the user's cache folder. */
function rootFolder(): string {
  const cache = process.env["OTEL_BANDWIDTH_TEST_CACHE"] ?? join(homedir(), ".cache", "otel-bandwidth");
  return join(cache, "mysql-9.7");
}

function install(root: string): void {
  const mirror = debianMirror();
  if (mirror === undefined) throw new Error("no Debian mirror in /etc/apt");
  if (spawnSync("debootstrap", ["--version"]).status !== 0) {
    check("apt-get", ["update"]);
    check("apt-get", ["install", "--yes", "debootstrap"]);
  }
  // Under another name until it is whole: an interrupted download is not taken for the server.
  const partial = `${root}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(dirname(root), { recursive: true });
  process.stdout.write(`installing ${PACKAGE} of Debian unstable into ${root}; this takes some minutes\n`);
  try {
    check("debootstrap", ["--variant=minbase", `--include=${PACKAGE}`, "unstable", partial, mirror]);
  } catch (error) {
    const log = join(partial, "debootstrap/debootstrap.log");
    if (existsSync(log)) process.stderr.write(readFileSync(log, "utf8").slice(-3000));
    throw error;
  }
  renameSync(partial, root);
}

function check(command: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8", maxBuffer: 2 ** 26 });
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.join(" ")} failed: ${error?.message ?? (stderr || stdout).slice(-2000)}`);
}
