/** A private coturn for tests and benches: on loopback, with what it counted of each session. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { findOrInstall } from "./debian-program.ts";
import { acceptsConnections } from "./accepts-connections.ts";
import { endsWithUs } from "./ends-with-us.ts";
import { freePort } from "./free-port.ts";

/** What the server counted between itself and one client, in packets and bytes of UDP or TCP payload. */
export interface TurnUsage {
  readonly receivedPackets: number;
  readonly receivedBytes: number;
  readonly sentPackets: number;
  readonly sentBytes: number;
}

/** What a client needs of it. */
export interface TurnCredentials {
  readonly username: string;
  readonly credential: string;
}

/** A turnserver of our own. */
export interface TurnServer {
  readonly port: number;
  /** Credentials of somebody, good for an hour. */
  credentials(name: string): TurnCredentials;
  /** What was counted of somebody's sessions so far; a session that has ended has all of it. */
  usage(name: string): TurnUsage;
  /** Whether somebody had sessions and all of them have ended. */
  hasEnded(name: string): boolean;
  stop(): Promise<void>;
}

const REALM = "test";
/** Shared by those who issue credentials. */
export const TURN_SECRET = "only-for-tests";
const RELAY_PORTS = 400;
/** A session whose farewell was lost ends this long after its last refresh; browsers refresh at half of it. */
export const SESSION_LIFETIME_SECONDS = 60;
const READY_TIMEOUT_MILLIS = 20_000;
/** A line of the verbose log: `usage: realm=<r>, username=<u>, rp=1, rb=2, sp=3, sb=4`, the increase since the last. */
const USAGE = /[^r] usage: realm=<[^>]*>, username=<\d+:([^>]*)>, rp=(\d+), rb=(\d+), sp=(\d+), sb=(\d+)/;
const BEGUN = /new, realm=<[^>]*>, username=<\d+:([^>]*)>/;
const CLOSED = /closed .*, user <\d+:([^>]*)>/;

/** Starts a turnserver for UDP and TCP. Rejects when there is none to run (Debian: `coturn`). */
export async function startTurnServer(): Promise<TurnServer> {
  const folder = await mkdtemp(join(tmpdir(), "otel-bandwidth-turn-"));
  const server = new PrivateTurnServer(await freePort(), folder);
  try {
    await server.start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

class PrivateTurnServer implements TurnServer {
  readonly port: number;
  readonly #folder: string;
  readonly #usage = new Map<string, TurnUsage>();
  readonly #begun = new Map<string, number>();
  readonly #ended = new Map<string, number>();
  #process: ChildProcessByStdio<null, Readable, Readable> | undefined;

  constructor(port: number, folder: string) {
    this.port = port;
    this.#folder = folder;
  }

  async start(): Promise<void> {
    const lowestRelayPort = 40_000 + (process.pid % 40) * RELAY_PORTS;
    const options = {
      "listening-ip": "127.0.0.1",
      "relay-ip": ownAddress(),
      "listening-port": String(this.port),
      "min-port": String(lowestRelayPort),
      "max-port": String(lowestRelayPort + RELAY_PORTS - 1),
      "max-allocate-lifetime": String(SESSION_LIFETIME_SECONDS),
      realm: REALM,
      "static-auth-secret": TURN_SECRET,
      "log-file": "stdout",
      pidfile: join(this.#folder, "pid"),
      userdb: join(this.#folder, "db"),
    };
    const flags = ["-n", "--verbose", "--simple-log", "--use-auth-secret", "--allow-loopback-peers"];
    const off = ["--no-cli", "--no-tls", "--no-dtls", "--no-multicast-peers", "--no-software-attribute"];
    const turnserver = findOrInstall({
      name: "coturn's turnserver",
      paths: ["/usr/bin/turnserver", "/usr/local/bin/turnserver"],
      debianPackage: "coturn",
      variable: "TEST_TURNSERVER",
    });
    const child = spawn(
      turnserver,
      [...flags, ...off, ...Object.entries(options).map(([name, value]) => `--${name}=${value}`)],
      { stdio: ["ignore", "pipe", "pipe"], cwd: this.#folder },
    );
    this.#process = child;
    endsWithUs(child);
    let output = "";
    let rest = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-4_000);
      const lines = (rest + chunk.toString()).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#read(line);
    });
    child.stderr.on("data", (chunk: Buffer) => (output = (output + chunk.toString()).slice(-4_000)));
    const ended = new Promise<never>((_resolve, reject) => {
      child.once("error", (error) => reject(new Error(`these tests need coturn's turnserver: ${error.message}`)));
      child.once("exit", (code) => reject(new Error(`turnserver ended (${code}): ${output}`)));
    });
    await Promise.race([ended, acceptsConnections(this.port, READY_TIMEOUT_MILLIS)]);
    ended.catch(() => undefined);
  }

  /** As the draft "A REST API for access to TURN services" has it: coturn's `use-auth-secret`. */
  credentials(name: string): TurnCredentials {
    const username = `${Math.floor(Date.now() / 1_000) + 3_600}:${name}`;
    return { username, credential: createHmac("sha1", TURN_SECRET).update(username).digest("base64") };
  }

  usage(name: string): TurnUsage {
    return this.#usage.get(name) ?? { receivedPackets: 0, receivedBytes: 0, sentPackets: 0, sentBytes: 0 };
  }

  hasEnded(name: string): boolean {
    const begun = this.#begun.get(name) ?? 0;
    return begun > 0 && this.#ended.get(name) === begun;
  }

  async stop(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child !== undefined && child.exitCode === null && child.pid !== undefined) {
      const exited = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await exited;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }

  #read(line: string): void {
    for (const [pattern, counts] of [
      [BEGUN, this.#begun],
      [CLOSED, this.#ended],
    ] as const) {
      const who = pattern.exec(line)?.[1];
      if (who !== undefined) counts.set(who, (counts.get(who) ?? 0) + 1);
    }
    const [, name, ...counts] = USAGE.exec(line) ?? [];
    if (name === undefined) return;
    const [receivedPackets = 0, receivedBytes = 0, sentPackets = 0, sentBytes = 0] = counts.map(Number);
    const before = this.usage(name);
    this.#usage.set(name, {
      receivedPackets: before.receivedPackets + receivedPackets,
      receivedBytes: before.receivedBytes + receivedBytes,
      sentPackets: before.sentPackets + sentPackets,
      sentBytes: before.sentBytes + sentBytes,
    });
  }
}

/**
 * An address of this machine, which packets to it do not leave. Not loopback where there is another: Firefox takes no
 * candidates there.
 */
function ownAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((interfaces) => interfaces ?? []);
  return addresses.find(({ family, internal }) => family === "IPv4" && !internal)?.address ?? "127.0.0.1";
}
