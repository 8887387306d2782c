/** A private Redis for tests that kill, restart or starve it, and a Redis that tests share. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { endsWithUs } from "./ends-with-us.ts";
import { freePort } from "./free-port.ts";
import { askRedis } from "./redis-ask.ts";
import { valkey91 } from "./valkey91.ts";

/** Settings of redis.conf; these replace or add to those of {@link startRedisServer}. */
export type RedisSettings = Readonly<Record<string, string>>;

/** The program that servers are started of. */
export interface RedisProgram {
  /** The program, and what comes before its settings. */
  readonly command: readonly string[];
  /** What speaks to it from a command line. */
  readonly cli: readonly string[];
  /** The folder that it takes for `/`. */
  readonly root: string;
  /** Where its data may lie; within `root`. */
  readonly folder: string;
}

/** What tests start: the Redis of this machine, or Valkey 9.1 under `npm run test:valkey`. */
export function testedProgram(): RedisProgram {
  if (process.env["TEST_REDIS_PROGRAM"] === "valkey-9.1") return valkey91();
  return { command: ["redis-server"], cli: ["redis-cli"], root: "/", folder: tmpdir() };
}

/** A redis-server of our own. Its data outlives `stop` and `kill`, until `remove`. */
export interface RedisServer {
  readonly port: number;
  readonly url: string;
  /** Starts it again after `stop` or `kill`, on the same port and data; `settings` replace those of before. */
  start(settings?: RedisSettings): Promise<void>;
  /** Ends it in order. */
  stop(): Promise<void>;
  /** Ends it as `kill -9` would. */
  kill(): Promise<void>;
  /** Holds it still, as a machine that swaps would. */
  freeze(): void;
  /** Lets it go on after `freeze`. */
  thaw(): void;
  /** Ends it and deletes its data. */
  remove(): Promise<void>;
}

const DURABLE: RedisSettings = {
  appendonly: "yes",
  appendfsync: "always",
  "maxmemory-policy": "noeviction",
  save: "",
  loglevel: "warning",
  daemonize: "no",
};
const START_ATTEMPTS = 5;

/**
 * Starts a redis-server that keeps everything it acknowledges, on a free port, in a folder of its own. Default: the Redis of
 * this machine, or Valkey 9.1 under `npm run test:valkey`.
 * Rejects when there is no `redis-server` to run: tests of faults cannot do without.
 */
export async function startRedisServer(
  settings: RedisSettings = {},
  program: RedisProgram = testedProgram(),
): Promise<RedisServer> {
  const folder = await mkdtemp(join(program.folder, "otel-bandwidth-redis-"));
  let lastError: unknown;
  for (let attempt = 0; attempt < START_ATTEMPTS; attempt += 1) {
    const server = new PrivateRedis(program, await freePort(), folder, { ...DURABLE, ...settings });
    try {
      await server.start();
      return server;
    } catch (error) {
      // Another process may have taken the port in between.
      lastError = error;
    }
  }
  await rm(folder, { recursive: true, force: true });
  throw lastError;
}

/** Starts a replica of a server, or of a proxy before it, and resolves when it has all that the primary has. */
export async function startReplica(
  { port }: Pick<RedisServer, "port">,
  settings: RedisSettings = {},
): Promise<RedisServer> {
  const replica = await startRedisServer({ ...settings, replicaof: `127.0.0.1 ${port}` });
  for (;;) {
    const reply = await askRedis(replica.port, "INFO replication");
    if (reply?.includes("master_link_status:up")) return replica;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A Redis that tests need not have to themselves: that of `TEST_REDIS_URL`, else a private one. */
export async function testRedis(): Promise<{ readonly url: string; remove(): Promise<void> }> {
  const url = process.env["TEST_REDIS_URL"];
  if (url) return { url, remove: async () => {} };
  return await startRedisServer();
}

/** A shard number that no other test uses, so that tests can share a Redis. */
export function uniqueShard(): number {
  return Math.floor(Math.random() * 2 ** 48);
}

class PrivateRedis implements RedisServer {
  readonly port: number;
  readonly url: string;
  readonly #program: RedisProgram;
  readonly #folder: string;
  #settings: RedisSettings;
  #process: ChildProcess | undefined;

  constructor(program: RedisProgram, port: number, folder: string, settings: RedisSettings) {
    this.#program = program;
    this.port = port;
    this.url = `redis://127.0.0.1:${port}`;
    this.#folder = folder;
    this.#settings = settings;
  }

  async start(settings: RedisSettings = {}): Promise<void> {
    this.#settings = { ...this.#settings, ...settings };
    const { root, command } = this.#program;
    const dir = `/${relative(root, this.#folder)}`;
    const pairs = Object.entries({ ...this.#settings, bind: "127.0.0.1", port: String(this.port), dir });
    const [name, ...first] = command;
    const child = spawn(
      name!,
      [...first, ...pairs.flatMap(([setting, value]) => [`--${setting}`, ...value.split(" ")])],
      {
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    this.#process = child;
    endsWithUs(child);
    let output = "";
    child.stdout.on("data", (text: Buffer) => (output += text.toString()));
    child.stderr.on("data", (text: Buffer) => (output += text.toString()));
    const ended = new Promise<never>((_resolve, reject) => {
      child.once("error", (error) => reject(new Error(`tests need redis-server: ${error.message}`)));
      child.once("exit", (code) => reject(new Error(`redis-server ended (${code}): ${output}`)));
    });
    await Promise.race([ended, answersPing(this.port, () => child.exitCode === null && child.pid !== undefined)]);
    ended.catch(() => {});
  }

  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  freeze(): void {
    this.#process?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#process?.kill("SIGCONT");
  }

  async remove(): Promise<void> {
    this.thaw();
    await this.#end("SIGKILL");
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill(signal);
    await exited;
  }
}

/** Resolves once the server answers PING with PONG, which it does only when its data is loaded. */
async function answersPing(port: number, running: () => boolean): Promise<void> {
  while (running()) {
    if (await pings(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function pings(port: number): Promise<boolean> {
  return (await askRedis(port, "PING"))?.startsWith("+PONG") ?? false;
}
