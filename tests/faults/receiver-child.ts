/** A receiver as a process of its own, which faults end, hold still and start again on the same ports. */
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { bundleCommand } from "../support/bundled-command.ts";
import { type RunningCommand, startCommand } from "../support/command.ts";
import { freePort } from "../support/free-port.ts";
import { changesSource } from "./child-modules.ts";

/** How a receiver is started. */
export interface ReceiverOptions {
  readonly environment: Readonly<Record<string, string>>;
  /** Modules to load first, as file URLs: test-only changes of the process. */
  readonly imports: readonly string[];
}

const READY_MILLIS = 30_000;
const LOOK_MILLIS = 25;
const NEVER_MILLIS = 60_000;

/** One receiver. */
export class ReceiverChild {
  static #bundle: string | undefined;
  readonly port: number;
  /** Of pages, admins, the live view and `/readyz`. */
  readonly bridgePort: number;
  #options: ReceiverOptions;
  #command: RunningCommand | undefined;
  /** Lines of standard error of all its processes, the newest last. */
  #complaints = "";

  private constructor(port: number, bridgePort: number, options: ReceiverOptions) {
    this.port = port;
    this.bridgePort = bridgePort;
    this.#options = options;
  }

  /** Starts all from a bundle from now on, except those whose source is changed; returns what deletes it. */
  static async useBundle(): Promise<() => void> {
    const bundle = await bundleCommand();
    ReceiverChild.#bundle = bundle.main;
    return () => {
      ReceiverChild.#bundle = undefined;
      bundle.remove();
    };
  }

  /** Takes ports; nothing runs yet. */
  static async create(options: ReceiverOptions): Promise<ReceiverChild> {
    return new ReceiverChild(await freePort(), await freePort(), options);
  }

  /** Starts a process and resolves when it listens. `environment` and `imports` are added for this process only. */
  async start(added: Partial<ReceiverOptions> = {}): Promise<void> {
    const environment = {
      OTLP_PORT: String(this.port),
      BRIDGE_PORT: String(this.bridgePort),
      NODE_COMPILE_CACHE: join(tmpdir(), `otel-bandwidth-test-compile-cache-${process.getuid?.() ?? "user"}`),
      ...this.#options.environment,
      ...added.environment,
    };
    const imports = [...this.#options.imports, ...(added.imports ?? [])];
    const command = startCommand(
      [],
      environment,
      imports.flatMap((url) => ["--import", url]),
      imports.some(changesSource) ? undefined : ReceiverChild.#bundle,
    );
    command.child.stderr?.on("data", (text: Buffer) => {
      this.#complaints = (this.#complaints + text.toString()).slice(-8000);
    });
    this.#command = command;
    await command.printed(/log in /);
  }

  /** Has it started with these settings from now on. */
  reconfigure(environment: Readonly<Record<string, string>>): void {
    this.#options = { ...this.#options, environment: { ...this.#options.environment, ...environment } };
  }

  /** Of the process that runs now, or ran last. */
  get pid(): number | undefined {
    return this.#command?.child.pid;
  }

  /** What it wrote to standard error lately. */
  get complaints(): string {
    return this.#complaints;
  }

  /** Whether its process runs, or is held still. */
  get running(): boolean {
    const child = this.#command?.child;
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /** Resolves when `/readyz` answers 200: the migrations have run and an append would succeed. */
  async ready(): Promise<void> {
    const deadline = Date.now() + READY_MILLIS;
    while (Date.now() < deadline) {
      const status = await fetch(`http://127.0.0.1:${this.bridgePort}/readyz`, {
        signal: AbortSignal.timeout(2000),
      }).then(
        (answer) => answer.status,
        () => undefined,
      );
      if (status === 200) return;
      if (!this.running) throw new Error(`the receiver ended: ${this.#complaints}`);
      await pause(LOOK_MILLIS);
    }
    throw new Error(`the receiver was not ready within ${READY_MILLIS} ms: ${this.#complaints}`);
  }

  /** Ends it as `kill -9` would; resolves when it is gone. */
  async kill(): Promise<void> {
    if (this.running) await this.#command?.stop("SIGKILL");
  }

  /** Sends SIGKILL and returns at once: for use while bytes are being handed on. */
  killNow(): void {
    this.#command?.child.kill("SIGKILL");
  }

  /** Resolves when the process has ended by itself or was killed. */
  async ended(): Promise<void> {
    await this.#command?.ended;
  }

  /** Asks it to end; its exit code and how long it took. */
  async stop(): Promise<{ readonly code: number | null; readonly millis: number }> {
    const begin = performance.now();
    const outcome = this.running ? await Promise.race([this.#command?.stop("SIGTERM"), this.#neverEnds()]) : undefined;
    return { code: outcome?.code ?? null, millis: performance.now() - begin };
  }

  /** Rejects, and ends it, when it has not ended long after it should have. */
  async #neverEnds(): Promise<never> {
    const { child } = this.#command!;
    await pause(NEVER_MILLIS, undefined, { ref: false });
    child.kill("SIGKILL");
    throw new Error(`a receiver did not end within ${NEVER_MILLIS} ms of SIGTERM: ${this.#complaints}`);
  }

  /** Holds it still. */
  freeze(): void {
    this.#command?.child.kill("SIGSTOP");
  }

  /** Lets it go on. */
  thaw(): void {
    this.#command?.child.kill("SIGCONT");
  }

  /** Sends a signal that a test-only module listens to. */
  signal(name: NodeJS.Signals): void {
    this.#command?.child.kill(name);
  }

  /** The most memory the process ever held, bytes; 0 where the system does not tell. */
  peakMemoryBytes(): number {
    const pid = this.#command?.child.pid;
    if (pid === undefined || process.platform !== "linux") return 0;
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return Number(kilobytes ?? 0) * 1024;
  }
}
