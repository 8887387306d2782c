/** Starts a server as a child process and waits until it answers. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";

/** A server that was started and answers. */
export interface ChildServer {
  readonly pid: number;
  /** Ends it in order and waits for that; what does not end within ten seconds is killed. */
  stop(): Promise<void>;
}

/** How a server is started. */
export interface ChildServerOptions {
  readonly command: string;
  readonly commandArguments: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Asked again and again until it resolves to true. */
  readonly ready: () => Promise<boolean>;
  readonly maxStartMillis?: number;
}

const READY_INTERVAL_MILLIS = 50;
const STOP_MILLIS = 10_000;
const MAX_OUTPUT_LENGTH = 20_000;

/** Starts it. Rejects with what it printed when it ends early or is not ready in time. */
export async function startChildServer(options: ChildServerOptions): Promise<ChildServer> {
  const child = spawn(options.command, options.commandArguments, {
    env: { ...process.env, ...options.environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const keep = (text: Buffer): void => {
    output = (output + text.toString()).slice(-MAX_OUTPUT_LENGTH);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const startErrors: string[] = [];
  child.on("error", (error) => startErrors.push(error.message));
  const stop = (): Promise<void> => stopChild(child);
  const deadline = performance.now() + (options.maxStartMillis ?? 30_000);
  while (child.exitCode === null && startErrors.length === 0 && performance.now() < deadline) {
    if (await options.ready()) return { pid: child.pid!, stop };
    await new Promise((resolve) => setTimeout(resolve, READY_INTERVAL_MILLIS));
  }
  await stop();
  throw new Error(`${options.command} did not become ready: ${startErrors.join(" ")}\n${output}`);
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const kill = setTimeout(() => child.kill("SIGKILL"), STOP_MILLIS);
  await exited;
  clearTimeout(kill);
}

/** A port of the loopback interface that nobody listens on. */
export async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Whether a GET is answered with 200, or with `wanted`. */
export async function answers(url: string, wanted: readonly number[] = [200]): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1000) });
    await response.body?.cancel();
    return wanted.includes(response.status);
  } catch {
    return false;
  }
}
