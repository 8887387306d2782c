/**
 * Vitest's global set-up: the servers that tests run against real ones of. What is missing is installed where that is
 * possible, started in Docker where not, else named: no test is left out in silence.
 */
import { execFile, spawnSync } from "node:child_process";
import { createConnection as connectTcp } from "node:net";
import { promisify } from "node:util";
import { createConnection as connectMysql } from "mysql2/promise";
import { freePort } from "./free-port.ts";
import { findProgram, findSqlServer } from "./mariadb-server.ts";

const run = promisify(execFile);
const READY_TIMEOUT_MILLIS = 120_000;

interface Service {
  readonly name: string;
  /** The environment variable that names a server to use instead. */
  readonly variable: string;
  readonly debianPackage: string;
  readonly image: string;
  readonly containerPort: number;
  readonly containerOptions: readonly string[];
  installed(): Promise<boolean>;
  url(port: number): string;
  answers(port: number): Promise<boolean>;
}

const SERVICES: readonly Service[] = [
  {
    name: "redis-server",
    variable: "TEST_REDIS_URL",
    debianPackage: "redis-server",
    image: "redis:8",
    containerPort: 6379,
    containerOptions: [],
    installed: async () => (await findProgram("redis-server")) !== undefined,
    url: (port) => `redis://127.0.0.1:${port}`,
    answers: (port) => answersPing(port),
  },
  {
    name: "mariadbd or mysqld",
    variable: "TEST_MYSQL_URL",
    debianPackage: "mariadb-server",
    image: "mariadb:10.11",
    containerPort: 3306,
    containerOptions: ["-e", "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD=1"],
    installed: async () => (await findSqlServer()) !== undefined,
    url: (port) => `mysql://root@127.0.0.1:${port}`,
    answers: (port) => answersSql(`mysql://root@127.0.0.1:${port}`),
  },
];

/** Makes sure that every server is there; returns what ends those it started. Throws naming what is missing. */
export default async function ensureServices(): Promise<() => Promise<void>> {
  const missing = await missingServices();
  if (missing.length > 0) installPackages(missing.map(({ debianPackage }) => debianPackage));
  const containers: string[] = [];
  const stop = async (): Promise<void> => {
    for (const container of containers) await run("docker", ["rm", "--force", container]);
  };
  for (const service of await missingServices()) {
    if (!(await dockerAnswers())) {
      throw new Error(
        `the tests need ${service.name}: install it (Debian: apt-get install ${service.debianPackage}), ` +
          `start Docker, or set ${service.variable}`,
      );
    }
    try {
      containers.push(await startContainer(service));
    } catch (error) {
      await stop();
      throw error;
    }
  }
  return stop;
}

async function missingServices(): Promise<readonly Service[]> {
  const missing: Service[] = [];
  for (const service of SERVICES) {
    if (!process.env[service.variable] && !(await service.installed())) missing.push(service);
  }
  return missing;
}

function installPackages(packages: readonly string[]): void {
  const aptGet = spawnSync("apt-get", ["--version"]).status === 0;
  if (process.getuid?.() !== 0 || !aptGet) return;
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  process.stdout.write(`installing ${packages.join(", ")} for the tests\n`);
  spawnSync("apt-get", ["update"], { env, stdio: "ignore" });
  spawnSync("apt-get", ["install", "--yes", "--no-install-recommends", ...packages], { env, stdio: "ignore" });
}

async function dockerAnswers(): Promise<boolean> {
  return await run("docker", ["info", "--format", "{{.ServerVersion}}"], { timeout: 10_000 }).then(
    ({ stdout }) => stdout.trim() !== "",
    () => false,
  );
}

async function startContainer(service: Service): Promise<string> {
  const port = await freePort();
  const publish = `127.0.0.1:${port}:${service.containerPort}`;
  const { stdout } = await run("docker", [
    "run",
    "--detach",
    "--rm",
    "--publish",
    publish,
    ...service.containerOptions,
    service.image,
  ]);
  const container = stdout.trim();
  const deadline = Date.now() + READY_TIMEOUT_MILLIS;
  while (!(await service.answers(port))) {
    if (Date.now() > deadline) {
      await run("docker", ["rm", "--force", container]);
      throw new Error(`the container of ${service.image} does not answer`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  process.env[service.variable] = service.url(port);
  return container;
}

async function answersPing(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connectTcp({ host: "127.0.0.1", port });
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

async function answersSql(url: string): Promise<boolean> {
  try {
    const connection = await connectMysql({ uri: url, connectTimeout: 1000 });
    await connection.end();
    return true;
  } catch {
    return false;
  }
}
