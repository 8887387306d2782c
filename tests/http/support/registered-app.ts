/**
 * An app in a process of its own that is measured by `register` and knows nothing of it.
 */

import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { TYPE_STRIPPING } from "./type-stripping.ts";

const REGISTER = new URL("../../../src/app/register.ts", import.meta.url).href;

export interface RegisteredApp {
  readonly child: ChildProcess;
  readonly port: number;
  /** What it printed. */
  readonly output: () => string;
}

/** Starts a file of `fixtures/`; `environment` is all that it has of `OTEL_*`. */
export async function startRegistered(fixture: string, environment: Record<string, string>): Promise<RegisteredApp> {
  const child = fork(fileURLToPath(new URL(`../fixtures/${fixture}`, import.meta.url)), {
    execArgv: [...TYPE_STRIPPING, "--import", REGISTER],
    env: { ...cleanEnvironment(), ...environment },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let output = "";
  child.stdout?.on("data", (text) => (output += text));
  child.stderr?.on("data", (text) => (output += text));
  const [message] = (await Promise.race([once(child, "message"), failOnExit(child, () => output)])) as [
    { port: number },
  ];
  return { child, port: message.port, output: () => output };
}

/** Resolves with how the app ended. */
export async function endRegistered(
  app: RegisteredApp,
  how: (child: ChildProcess) => void,
): Promise<[code: number | null, signal: string | null]> {
  const exit = once(app.child, "exit");
  how(app.child);
  return (await exit) as [number | null, string | null];
}

async function failOnExit(child: ChildProcess, output: () => string): Promise<never> {
  await once(child, "exit");
  throw new Error(`the app ended: ${output()}`);
}

function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith("OTEL_") && name !== "NODE_OPTIONS"),
  );
}
