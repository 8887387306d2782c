/** The Redis and the MariaDB of the receiver under load: private ones that keep everything they acknowledge. */
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { createConnection } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import { createConnection as connectSql } from "mysql2/promise";
import { type ChildServer, startChildServer, unusedPort } from "./child-server.ts";

/** A database server that was started for the bench. */
export interface Database extends ChildServer {
  readonly url: string;
}

/** Starts a redis-server whose acknowledgement means that the data is on the disk. */
export async function startRedis(directory: string): Promise<Database> {
  const port = await unusedPort();
  const settings: Readonly<Record<string, string>> = {
    bind: "127.0.0.1",
    port: String(port),
    dir: directory,
    appendonly: "yes",
    appendfsync: "always",
    "maxmemory-policy": "noeviction",
    save: "",
  };
  const server = await startChildServer({
    command: "redis-server",
    commandArguments: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    ready: () => redisAnswers(port),
  });
  return { ...server, url: `redis://127.0.0.1:${port}` };
}

/** Starts a mariadbd whose COMMIT means that the data is on the disk, with an empty database; `options` are further ones. */
export async function startMariadb(directory: string, options: readonly string[] = []): Promise<Database> {
  installMariadb(directory);
  return await runMariadb(directory, 1, options);
}

/** Makes the files of a mariadbd. */
export function installMariadb(directory: string): void {
  mkdirSync(join(directory, "mariadb"));
  execFileSync(
    "mariadb-install-db",
    [...mariadbOptions(directory), "--auth-root-authentication-method=normal", "--skip-test-db"],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
}

/** Runs a mariadbd on its files, on a free port. */
export async function runMariadb(
  directory: string,
  flushLogAtCommit: number = 1,
  options: readonly string[] = [],
): Promise<Database> {
  const port = await unusedPort();
  const server = await startChildServer({
    command: "mariadbd",
    commandArguments: [
      ...mariadbOptions(directory),
      "--bind-address=127.0.0.1",
      `--port=${port}`,
      `--socket=${join(directory, "mariadb.sock")}`,
      `--innodb_flush_log_at_trx_commit=${flushLogAtCommit}`,
      "--skip-log-bin",
      ...options,
    ],
    ready: () => createDatabase(port),
    maxStartMillis: 60_000,
  });
  return { ...server, url: `mysql://root@127.0.0.1:${port}/bandwidth` };
}

function mariadbOptions(directory: string): readonly string[] {
  return ["--no-defaults", `--datadir=${join(directory, "mariadb")}`, `--user=${userInfo().username}`];
}

async function createDatabase(port: number): Promise<boolean> {
  try {
    const connection = await connectSql({ host: "127.0.0.1", port, user: "root" });
    await connection.query("CREATE DATABASE IF NOT EXISTS bandwidth CHARACTER SET utf8mb4");
    await connection.end();
    return true;
  } catch {
    return false;
  }
}

function redisAnswers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: "127.0.0.1", port });
    const finish = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1000, () => finish(false));
    socket.once("error", () => finish(false));
    socket.once("connect", () => socket.write("PING\r\n"));
    socket.once("data", (reply) => finish(reply.toString().startsWith("+PONG")));
  });
}
