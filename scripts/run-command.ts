/** Runs the tools that the scripts are made of, and keeps what they print. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** How a command is run. */
export interface CommandOptions {
  /** Where it runs; the repository's root by default. */
  readonly directory?: string;
  /** Added to this process's environment. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** What came of a command. */
export interface CommandOutcome {
  /** 0 when it worked; 1 when a signal ended it or it could not be started. */
  readonly exitCode: number;
  /** Standard output alone. */
  readonly output: string;
  /** Standard output and standard error, in the order they came. */
  readonly everything: string;
}

/** The repository's root. */
export const ROOT: string = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");

/** Runs a command to its end. Never throws: a command that cannot be started has exit code 1 and says so. */
export function runCommand(
  command: string,
  commandArguments: readonly string[],
  options: CommandOptions = {},
): Promise<CommandOutcome> {
  return new Promise((resolve) => {
    const child = spawn(command, commandArguments, {
      cwd: options.directory ?? ROOT,
      env: { ...process.env, ...options.environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    let everything = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      everything += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      everything += text;
    });
    child.on("error", (error) => {
      resolve({ exitCode: 1, output, everything: `${everything}${command}: ${error.message}\n` });
    });
    child.on("close", (code) => {
      resolve({ exitCode: code ?? 1, output, everything });
    });
  });
}

/** Runs a command that must work and returns its standard output. Throws with all that it printed when it fails. */
export async function runOrThrow(
  command: string,
  commandArguments: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const outcome = await runCommand(command, commandArguments, options);
  if (outcome.exitCode !== 0) {
    throw new Error(`${command} ${commandArguments.join(" ")} ended with ${outcome.exitCode}\n${outcome.everything}`);
  }
  return outcome.output;
}
