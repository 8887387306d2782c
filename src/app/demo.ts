/**
 * `otel-bandwidth demo`: receiver, sample API and load in one command. At the end it sets the bytes that the load counted
 * beside those that were stored, and succeeds only when they are equal.
 */
import { parseArgs } from "node:util";
import { DemoRun } from "./demo/demo-run.ts";
import { listenForInterruption } from "./demo/interruption.ts";
import { UsageError } from "./usage-error.ts";

const DEFAULT_SECONDS = 60;
const MAX_SECONDS = 3600;

/** Runs the demo: 0 when every byte is in the totals, 1 when not, 130 or 143 when a signal ended it. */
export async function demo(args: readonly string[]): Promise<number> {
  const totalSeconds = secondsOf(args);
  await import("express").catch(() => {
    throw new Error("the sample API of the demo needs express: npm install express");
  });
  const interruption = listenForInterruption();
  try {
    const run = new DemoRun({ totalSeconds, environment: process.env, output: process.stdout, interruption });
    return (await run.run()) ? 0 : 1;
  } catch (error) {
    const exitCode = interruption.exitCode();
    if (exitCode === undefined) throw error;
    process.stderr.write("otel-bandwidth: interrupted, nothing was compared\n");
    return exitCode;
  } finally {
    interruption.end();
  }
}

function secondsOf(args: readonly string[]): number {
  const { values } = parseArgs({ args: [...args], options: { seconds: { type: "string" } } });
  const { seconds = String(DEFAULT_SECONDS) } = values;
  if (!/^\d+$/.test(seconds) || Number(seconds) < 1 || Number(seconds) > MAX_SECONDS) {
    throw new UsageError(
      `--seconds: expected a whole number from 1 to ${MAX_SECONDS} (got ${JSON.stringify(seconds)})`,
    );
  }
  return Number(seconds);
}
