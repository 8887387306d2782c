/** The SQL server of the tests: MariaDB or MySQL from PATH in a folder of its own, or the one of `TEST_MYSQL_URL`. */
import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, cp, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import {
  type PrivateSqlServer,
  type SqlServer,
  TEST_SERVER_SETTINGS,
  TEST_USER_SQL,
  existingSqlServer,
  startSqlServer,
} from "./sql-server.ts";

const run = promisify(execFile);

/** Where Debian keeps servers, which are not on an ordinary user's PATH. */
const SERVER_FOLDERS: readonly string[] = ["/usr/sbin", "/usr/local/sbin"];

/** A server program that is installed. */
export interface SqlServerProgram {
  readonly path: string;
  readonly kind: "mariadb" | "mysql";
  /** What it says its version is. */
  readonly version: string;
}

/** The server program that tests use: `mariadbd`, else `mysqld`; undefined when neither is installed. */
export async function findSqlServer(): Promise<SqlServerProgram | undefined> {
  const path = (await findProgram("mariadbd")) ?? (await findProgram("mysqld"));
  if (path === undefined) return undefined;
  const { stdout } = await run(path, ["--version"]);
  return { path, kind: stdout.includes("MariaDB") ? "mariadb" : "mysql", version: stdout.trim() };
}

/** The path of a program, or undefined when it is not installed. */
export async function findProgram(name: string): Promise<string | undefined> {
  for (const folder of [...(process.env["PATH"] ?? "").split(delimiter), ...SERVER_FOLDERS]) {
    const path = join(folder, name);
    const executable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (executable) return path;
  }
  return undefined;
}

/**
 * Starts a server for a test file, in about a second: a fresh data folder is made once and copied. With `TEST_MYSQL_URL`
 * (whose user may make databases) that server is used instead. Rejects when there is no server to run.
 */
export async function startMariadb(): Promise<SqlServer> {
  const url = process.env["TEST_MYSQL_URL"];
  return url ? existingSqlServer(url) : await startPrivateMariadb();
}

/**
 * Starts a server that is a process of this test's own. `parentFolder`: where its folder of data is made, else the
 * temporary folder. Rejects when there is no server to run.
 */
export async function startPrivateMariadb(parentFolder: string = tmpdir()): Promise<PrivateSqlServer> {
  const program = await findSqlServer();
  if (program === undefined) throw new Error("the tests need mariadbd or mysqld on PATH");
  const folder = await mkdtemp(join(parentFolder, "otel-bandwidth-sql-"));
  const data = join(folder, "data");
  await cp(await dataTemplate(program), data, { recursive: true });
  const initFile = join(folder, "init.sql");
  await writeFile(initFile, TEST_USER_SQL);
  return await startSqlServer({
    command: program.path,
    arguments: (port) => [
      "--no-defaults",
      `--datadir=${data}`,
      `--port=${port}`,
      `--socket=${join(folder, "s.sock")}`,
      `--init-file=${initFile}`,
      `--pid-file=${join(folder, "pid")}`,
      // Servers that share a folder for temporary tables can take each other's away.
      `--tmpdir=${folder}`,
      ...userArguments(),
      ...TEST_SERVER_SETTINGS,
      ...(program.kind === "mysql" ? ["--mysqlx=OFF"] : []),
    ],
    clean: () => rm(folder, { recursive: true, force: true }),
  });
}

// Made under another name first: two test files may make it at the same time.
async function dataTemplate(program: SqlServerProgram): Promise<string> {
  const version = program.version.replaceAll(/[^\w.]+/g, "-").slice(-80);
  const template = join(tmpdir(), `otel-bandwidth-sql-template-${process.getuid?.() ?? "user"}-${version}`);
  if (await exists(template)) return template;
  const folder = await mkdtemp(`${template}-`);
  const data = join(folder, "data");
  if (program.kind === "mysql") {
    await run(program.path, ["--no-defaults", "--initialize-insecure", `--datadir=${data}`, ...userArguments()]);
  } else {
    const options = [
      "--no-defaults",
      `--datadir=${data}`,
      "--skip-test-db",
      "--auth-root-authentication-method=normal",
    ];
    await run("mariadb-install-db", [...options, "--innodb-log-file-size=8M", ...userArguments()]);
  }
  await rename(data, template).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
  });
  await rm(folder, { recursive: true, force: true });
  return template;
}

function userArguments(): readonly string[] {
  return process.getuid?.() === 0 ? ["--user=root"] : [];
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
