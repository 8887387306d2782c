/**
 * An app in a process of its own that prints where it listens.
 */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";

/** A running app. */
export interface ChildApp {
  readonly child: ChildProcess;
  readonly port: number;
  /** What it printed, both streams. */
  readonly output: () => string;
  /** Ends it; resolves with its exit code or signal. */
  readonly end: (signal?: NodeJS.Signals) => Promise<number | string | null>;
}

const LISTENING = /listening on http:\/\/[^:\s]+:(\d+)/;

/** Starts `node ...args` in `folder` and waits for its port. Only `environment` is added to what a process needs. */
export async function startApp(
  folder: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<ChildApp> {
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: { ...cleanEnvironment(), PORT: "0", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  const port = new Promise<number>((resolve, reject) => {
    const read = (text: Buffer): void => {
      printed += String(text);
      const found = LISTENING.exec(printed)?.[1];
      if (found !== undefined) resolve(Number(found));
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.once("exit", (code, signal) => reject(new Error(`the app ended with ${code ?? signal}: ${printed}`)));
  });
  const end: ChildApp["end"] = async (signal = "SIGTERM") => {
    const exit = once(child, "exit");
    child.kill(signal);
    const [code, killedBy] = (await exit) as [number | null, NodeJS.Signals | null];
    return code ?? killedBy;
  };
  return { child, port: await port, output: () => printed, end };
}

/** The environment without what would change the SDK or Node. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(OTEL_|METRICS_|NODE_OPTIONS|VITEST)/.test(name)),
  );
}
