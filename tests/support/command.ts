/** Runs the command `otel-bandwidth` from its source, as a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { endsWithUs } from "./ends-with-us.ts";

const MAIN = fileURLToPath(new URL("../../src/app/main.ts", import.meta.url));

/** How a command ended, and what it printed. */
export interface CommandOutcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs. */
export interface RunningCommand {
  readonly child: ChildProcess;
  readonly ended: Promise<CommandOutcome>;
  /** Resolves with the match as soon as standard output has it; rejects when the command ends before. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  /** Sends a signal and resolves with how it ended. */
  stop(signal?: NodeJS.Signals): Promise<CommandOutcome>;
}

/**
 * Starts the command with `environment` instead of the settings of this process. `nodeArguments` go to Node itself; `main` is
 * the file to run, where it is not the source.
 */
export function startCommand(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  nodeArguments: readonly string[] = [],
  main: string = MAIN,
): RunningCommand {
  const child = spawn(process.execPath, [...nodeArguments, main, ...args], {
    env: { PATH: process.env["PATH"], ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  endsWithUs(child);
  let stdout = "";
  let stderr = "";
  const waiting = new Set<() => void>();
  child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
  child.stdout.on("data", (text: Buffer) => {
    stdout += text.toString();
    for (const look of waiting) look();
  });
  const ended = new Promise<CommandOutcome>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
  return {
    child,
    ended,
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const match = pattern.exec(stdout);
          if (match === null) return;
          waiting.delete(look);
          resolve(match);
        };
        waiting.add(look);
        look();
        void ended.then((outcome) =>
          reject(new Error(`ended without printing ${pattern}: ${JSON.stringify(outcome)}`)),
        );
      }),
    stop: (signal = "SIGTERM") => {
      child.kill(signal);
      return ended;
    },
  };
}

/** Runs the command to its end. */
export function runCommand(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<CommandOutcome> {
  return startCommand(args, environment).ended;
}
