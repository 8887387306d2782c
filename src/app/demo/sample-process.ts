/**
 * Starts and ends the process of the sample API, measured by `otel-bandwidth/register`.
 */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** How the sample API is measured. */
export interface SampleProcessOptions {
  /** Where its metrics go: the base address of an OTLP/HTTP server. */
  readonly otlpEndpoint: string;
  readonly service: string;
  readonly namespace: string;
  readonly exportIntervalMillis: number;
  /** Told what the process writes to standard error, line by line. */
  readonly report: (line: string) => void;
}

/** The sample API, running. */
export interface SampleProcess {
  readonly port: number;
  /** Resolves, with how, when the process ends. */
  readonly ended: Promise<string>;
  /** Asks it to end and waits until it has exported what it measured. False when it had to be killed or failed. */
  stop(): Promise<boolean>;
}

const STOP_DEADLINE_MILLIS = 15_000;
/** The demo runs from its sources in tests: then there is no package to import from. */
const FROM_SOURCE: boolean = import.meta.url.endsWith(".ts");

/** Starts it. Rejects when it ends before it listens. */
export async function startSampleProcess(options: SampleProcessOptions): Promise<SampleProcess> {
  const register = FROM_SOURCE
    ? new URL("../register.ts", import.meta.url).href
    : import.meta.resolve("otel-bandwidth/register");
  const sample = new URL(FROM_SOURCE ? "./sample-api.ts" : "./sample-api.js", import.meta.url);
  const child = fork(fileURLToPath(sample), {
    execArgv: ["--import", register],
    env: sampleEnvironment(options),
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  child.stderr?.on("data", (text: Buffer) => {
    for (const line of text.toString().trimEnd().split("\n")) options.report(line);
  });
  const ended = once(child, "exit").then(([code, signal]) => `the sample API ended (${String(signal ?? code)})`);
  const listening = once(child, "message") as Promise<[{ readonly port: number }]>;
  const first = await Promise.race([listening, ended]);
  if (typeof first === "string") throw new Error(`${first} before it listened`);
  return { port: first[0].port, ended, stop: () => stopProcess(child, ended) };
}

/** The user's own telemetry settings would send this run's metrics elsewhere. */
function sampleEnvironment(options: SampleProcessOptions): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("OTEL_"));
  return {
    ...Object.fromEntries(kept),
    OTEL_SERVICE_NAME: options.service,
    OTEL_RESOURCE_ATTRIBUTES: `service.namespace=${options.namespace}`,
    OTEL_EXPORTER_OTLP_ENDPOINT: options.otlpEndpoint,
    OTEL_METRIC_EXPORT_INTERVAL: String(options.exportIntervalMillis),
  };
}

async function stopProcess(child: ChildProcess, ended: Promise<string>): Promise<boolean> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode === 0;
  const late = setTimeout(() => child.kill("SIGKILL"), STOP_DEADLINE_MILLIS);
  child.kill("SIGTERM");
  await ended;
  clearTimeout(late);
  return child.exitCode === 0;
}
