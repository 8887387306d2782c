/** A private MariaDB or MySQL process for tests: how one is started, reached and ended. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createConnection } from "mysql2/promise";
import { endsWithUs } from "./ends-with-us.ts";
import { freePort } from "./free-port.ts";

/** A server that speaks MySQL, with databases made for tests. */
export interface SqlServer {
  /** Makes an empty database and returns its URL. */
  createDatabase(): Promise<string>;
  /** Ends the server and deletes its data; databases made in a server that is not ours are dropped. */
  stop(): Promise<void>;
}

/** A server process of our own, which tests of faults end, hold still and start again. */
export interface PrivateSqlServer extends SqlServer {
  /** Of a user who may do everything, without a database. */
  readonly url: string;
  readonly port: number;
  /** Of the process that runs now, or ran last. */
  readonly pid: number | undefined;
  /** Whether its process runs: a server may end by itself. */
  readonly isRunning: boolean;
  /** Starts it again on the same port and data, after `shutDown` or `kill`, or where it has ended by itself. */
  start(): Promise<void>;
  /** Ends it in order. */
  shutDown(): Promise<void>;
  /** Ends it as `kill -9` would. */
  kill(): Promise<void>;
  /** Holds it still, as a machine that swaps would. */
  freeze(): void;
  /** Lets it go on after `freeze`. */
  thaw(): void;
}

/** How to start one. */
export interface SqlServerProcess {
  readonly command: string;
  /** The arguments for a port. */
  arguments(port: number): readonly string[];
  /** Deletes what the process leaves. */
  clean(): Promise<void>;
}

/** The settings that every test server runs with: as durable as promised, and small. */
export const TEST_SERVER_SETTINGS: readonly string[] = [
  "--innodb-flush-log-at-trx-commit=1",
  "--innodb-buffer-pool-size=64M",
  "--bind-address=127.0.0.1",
  "--skip-name-resolve",
  "--skip-log-bin",
];

/** The SQL that lets tests in from the loopback interface; for `--init-file`, one statement a line. */
export const TEST_USER_SQL: string = `CREATE USER IF NOT EXISTS 'test'@'127.0.0.1' IDENTIFIED BY '';
GRANT ALL PRIVILEGES ON *.* TO 'test'@'127.0.0.1' WITH GRANT OPTION;
`;

const READY_TIMEOUT_MILLIS = 60_000;

/**
 * Starts a server process on a port, a free one unless it is given, and waits until it answers. Rejects with its output when
 * it ends before.
 */
export async function startSqlServer(process: SqlServerProcess, port?: number): Promise<PrivateSqlServer> {
  const server = new PrivateServer(process, port ?? (await freePort()));
  try {
    await server.start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

class PrivateServer implements PrivateSqlServer {
  readonly url: string;
  readonly port: number;
  readonly #program: SqlServerProcess;
  #child: ChildProcess | undefined;
  #pid: number | undefined;

  constructor(program: SqlServerProcess, port: number) {
    this.#program = program;
    this.port = port;
    this.url = `mysql://test@127.0.0.1:${port}`;
  }

  get pid(): number | undefined {
    return this.#pid;
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async start(): Promise<void> {
    const { command } = this.#program;
    const child = spawn(command, this.#program.arguments(this.port), { stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    this.#pid = child.pid;
    endsWithUs(child);
    let output = "";
    const keep = (text: Buffer): void => {
      output = (output + text.toString()).slice(-4000);
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    const ended = new Promise<never>((_resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code) => reject(new Error(`${command} ended (${code}): ${output}`)));
    });
    ended.catch(() => undefined);
    await Promise.race([ended, answers(this.url, () => child.exitCode === null)]);
  }

  createDatabase(): Promise<string> {
    return createDatabase(this.url);
  }

  async stop(): Promise<void> {
    await this.#end("SIGKILL");
    await this.#program.clean();
  }

  shutDown(): Promise<void> {
    return this.#end("SIGTERM");
  }

  kill(): Promise<void> {
    return this.#end("SIGKILL");
  }

  freeze(): void {
    this.#child?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child?.kill("SIGCONT");
  }

  async #end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const child = this.#child;
    const isRunning = this.isRunning;
    this.#child = undefined;
    if (child?.pid === undefined || !isRunning) return;
    const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGCONT");
    child.kill(signal);
    await exited;
  }
}

/** A server that is already there: its databases are ours only as far as we made them. */
export function existingSqlServer(url: string): SqlServer {
  const made: string[] = [];
  return {
    async createDatabase() {
      const database = await createDatabase(url);
      made.push(new URL(database).pathname.slice(1));
      return database;
    },
    async stop() {
      const connection = await createConnection({ uri: url });
      for (const name of made) await connection.query(`DROP DATABASE IF EXISTS ${name}`);
      await connection.end();
    },
  };
}

async function createDatabase(serverUrl: string): Promise<string> {
  const name = `test_${randomBytes(6).toString("hex")}`;
  const connection = await createConnection({ uri: serverUrl });
  await connection.query(`CREATE DATABASE ${name}`);
  await connection.end();
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

async function answers(url: string, running: () => boolean): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MILLIS;
  let lastError: unknown;
  while (running() && Date.now() < deadline) {
    try {
      const connection = await createConnection({ uri: url, connectTimeout: 1000 });
      await connection.query("SELECT 1");
      await connection.end();
      return;
    } catch (error) {
      lastError = error;
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  }
  throw new Error(`the server does not answer: ${String(lastError)}`);
}
