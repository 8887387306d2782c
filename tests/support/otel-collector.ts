/** A real OpenTelemetry Collector with one of our configurations, for tests that kill it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { COLLECTOR_CONFIG, findCollector } from "../../scripts/otel-collector.ts";
import { endsWithUs } from "./ends-with-us.ts";
import { freePort } from "./free-port.ts";

/** The Collector that is there, if any. */
export const COLLECTOR: string | undefined = findCollector();

/** A token for tests. */
export const COLLECTOR_TOKEN = "a-token-for-tests";

/** How a Collector is started. */
export interface CollectorOptions {
  /** A file of `collector-config/`. */
  readonly configuration: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Settings that a test makes small, by path, as `--set` takes them. */
  readonly settings?: Readonly<Record<string, string | number>>;
}

/** A Collector that runs. Its queue outlives `kill`, until `remove`. */
export interface TestCollector {
  /** Where senders reach it over HTTP. */
  readonly origin: string;
  readonly grpcPort: number;
  /** Ends it as `kill -9` would. */
  kill(): Promise<void>;
  /** Starts it again, on the same ports and queue. */
  start(): Promise<void>;
  /** Ends it and deletes its queue. */
  remove(): Promise<void>;
}

const READY_TIMEOUT_MILLIS = 30_000;
const MAX_OUTPUT_LENGTH = 20_000;

/** Starts one on free ports. Rejects with what it printed when it ends before it answers. */
export async function startCollector(options: CollectorOptions): Promise<TestCollector> {
  const folder = mkdtempSync(join(tmpdir(), "otel-bandwidth-collector-"));
  const [http, grpc, health] = [await freePort(), await freePort(), await freePort()];
  const settings = Object.entries({ "service::telemetry::metrics::level": "none", ...options.settings });
  const processOptions = {
    args: [
      `--config=${join(COLLECTOR_CONFIG, options.configuration)}`,
      ...settings.map(([path, value]) => `--set=${path}=${value}`),
    ],
    environment: {
      OTLP_TOKEN: COLLECTOR_TOKEN,
      COLLECTOR_HTTP_ENDPOINT: `127.0.0.1:${http}`,
      COLLECTOR_GRPC_ENDPOINT: `127.0.0.1:${grpc}`,
      COLLECTOR_HEALTH_ENDPOINT: `127.0.0.1:${health}`,
      COLLECTOR_QUEUE_DIRECTORY: join(folder, "made", "by", "it"),
      ...options.environment,
    },
    healthUrl: `http://127.0.0.1:${health}/`,
  };
  let child = await startProcess(processOptions);
  const kill = (): Promise<void> => killed(child);
  return {
    origin: `http://127.0.0.1:${http}`,
    grpcPort: grpc,
    kill,
    start: async () => {
      child = await startProcess(processOptions);
    },
    remove: async () => {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface CollectorProcess {
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly healthUrl: string;
}

async function startProcess({ args, environment, healthUrl }: CollectorProcess): Promise<ChildProcess> {
  const child = spawn(COLLECTOR!, args, {
    env: { PATH: process.env["PATH"], ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  endsWithUs(child);
  let output = "";
  const keep = (text: Buffer): void => {
    output = (output + text.toString()).slice(-MAX_OUTPUT_LENGTH);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const deadline = Date.now() + READY_TIMEOUT_MILLIS;
  while (child.exitCode === null && Date.now() < deadline) {
    if (await isHealthy(healthUrl)) return child;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await killed(child);
  throw new Error(`the Collector did not become healthy:\n${output}`);
}

async function isHealthy(url: string): Promise<boolean> {
  return await fetch(url).then(
    ({ status }) => status === 200,
    () => false,
  );
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}
