/** A private Redis for tests that kill, restart or starve it, and a Redis that tests share. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endsWithUs } from "./ends-with-us.ts";
import { freePort } from "./free-port.ts";

/** Settings of redis.conf; these replace or add to those of {@link startRedisServer}. */
export type RedisSettings = Readonly<Record<string, string>>;

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
 * Starts a redis-server that keeps everything it acknowledges, on a free port, in a folder of its own.
 * Rejects when there is no `redis-server` to run: tests of faults cannot do without.
 */
export async function startRedisServer(settings: RedisSettings = {}): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), "otel-bandwidth-redis-"));
  let lastError: unknown;
  for (let attempt = 0; attempt < START_ATTEMPTS; attempt += 1) {
    const server = new PrivateRedis(await freePort(), folder, { ...DURABLE, ...settings });
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
export async function startReplica({ port }: Pick<RedisServer, "port">): Promise<RedisServer> {
  const replica = await startRedisServer({ replicaof: `127.0.0.1 ${port}` });
  for (;;) {
    const reply = await ask(replica.port, "INFO replication");
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
  readonly #folder: string;
  #settings: RedisSettings;
  #process: ChildProcess | undefined;

  constructor(port: number, folder: string, settings: RedisSettings) {
    this.port = port;
    this.url = `redis://127.0.0.1:${port}`;
    this.#folder = folder;
    this.#settings = settings;
  }

  async start(settings: RedisSettings = {}): Promise<void> {
    this.#settings = { ...this.#settings, ...settings };
    const pairs = Object.entries({ ...this.#settings, bind: "127.0.0.1", port: String(this.port), dir: this.#folder });
    const child = spawn(
      "redis-server",
      pairs.flatMap(([name, value]) => [`--${name}`, value]),
      { stdio: ["ignore", "pipe", "pipe"] },
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
  return (await ask(port, "PING"))?.startsWith("+PONG") ?? false;
}

/** The first bytes of a server's answer; undefined when there is none. */
async function ask(port: number, command: string): Promise<string | undefined> {
  return await new Promise((resolve) => {
    const socket = createConnection({ host: "127.0.0.1", port });
    const finish = (answer: string | undefined): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1000, () => finish(undefined));
    socket.once("error", () => finish(undefined));
    socket.once("connect", () => socket.write(`${command}\r\n`));
    socket.once("data", (reply) => finish(reply.toString()));
  });
}
