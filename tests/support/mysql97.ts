/** MySQL 9.7 LTS for `npm run test:mysql`: the server of Debian unstable. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { outputOf, unstableObstacle, unstableRoot, type UnstableServer } from "./debian-unstable.ts";
import { type PrivateSqlServer, TEST_SERVER_SETTINGS, TEST_USER_SQL, startSqlServer } from "./sql-server.ts";

const MYSQL97: UnstableServer = {
  name: "MySQL 9.7",
  folder: "mysql-9.7",
  packages: ["mysql-server-core"],
  program: "usr/sbin/mysqld",
  version: /Ver 9\.7\./,
};

/** Paths within the folder, as the server in its root sees them. */
const DATA_FOLDER = "/srv/otel-bandwidth-data";
const INIT_FILE = "/srv/otel-bandwidth-init.sql";

/** Why the server cannot be had on this machine; undefined when it can. */
export function mysql97Obstacle(): string | undefined {
  return unstableObstacle(MYSQL97, "npm run test:mysql");
}

/** The root folder of MySQL 9.7, for `chroot`; installed first where it is not. Throws saying what failed. */
export function mysql97Root(): string {
  const root = unstableRoot(MYSQL97);
  process.stdout.write(outputOf("chroot", [root, "mysqld", "--version"]));
  return root;
}

/** Starts MySQL 9.7 on a free loopback port, installing it first where it is not. Throws saying what failed. */
export async function startMysql97(): Promise<PrivateSqlServer> {
  const root = mysql97Root();
  const data = join(root, DATA_FOLDER);
  rmSync(data, { recursive: true, force: true });
  mkdirSync(data, { recursive: true });
  writeFileSync(join(root, INIT_FILE), TEST_USER_SQL);
  const common = ["--no-defaults", "--user=root", `--datadir=${DATA_FOLDER}`];
  outputOf("chroot", [root, "mysqld", ...common, "--initialize-insecure"]);
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
