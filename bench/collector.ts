/** The baseline: a real OpenTelemetry Collector that decodes the same requests and drops them. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { answers, type ChildServer, startChildServer, unusedPort } from "./child-server.ts";

/** The version that is built. */
export const COLLECTOR_VERSION = "0.155.0";

/** A Collector that answers on `url`. */
export interface Collector extends ChildServer {
  readonly url: string;
}

/**
 * The Collector's executable: `OTELCOL_BIN`, or one built from Go modules into the user's cache folder (minutes, once).
 * Undefined, with the reason printed, when there is neither.
 */
export function findCollector(): string | undefined {
  const given = process.env["OTELCOL_BIN"];
  if (given !== undefined) return given;
  const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "otel-bandwidth");
  const directory = join(cache, `otelcol-${COLLECTOR_VERSION}`);
  const executable = join(directory, "otelcol-bench");
  if (existsSync(executable)) return executable;
  if (!commandExists("go")) {
    console.log("no baseline: OTELCOL_BIN is not set, and there is no Go to build an OpenTelemetry Collector with");
    return undefined;
  }
  console.log(`building an OpenTelemetry Collector ${COLLECTOR_VERSION} in ${directory}: this takes minutes, once`);
  try {
    build(directory);
  } catch (error) {
    rmSync(executable, { force: true });
    console.log(`no baseline: the build failed: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
  return executable;
}

/** Starts it with an OTLP/HTTP receiver and nothing behind it; with `batch`, a batch processor in between. */
export async function startCollector(executable: string, directory: string, batch: boolean): Promise<Collector> {
  const port = await unusedPort();
  const processors = batch ? "[batch]" : "[]";
  const configuration = `
receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:${port}" } } } }
processors: { batch: {} }
exporters: { nop: {} }
service:
  telemetry: { metrics: { level: none }, logs: { level: error } }
  pipelines: { metrics: { receivers: [otlp], processors: ${processors}, exporters: [nop] } }
`;
  const file = join(directory, `collector-${port}.yaml`);
  writeFileSync(file, configuration);
  const url = `http://127.0.0.1:${port}/v1/metrics`;
  const server = await startChildServer({
    command: executable,
    commandArguments: ["--config", file],
    // A GET is not allowed there: that it says so shows that it listens.
    ready: () => answers(url, [405]),
  });
  return { ...server, url };
}

function build(directory: string): void {
  mkdirSync(directory, { recursive: true });
  const component = (path: string): string =>
    `  - gomod: go.opentelemetry.io/collector/${path} v${COLLECTOR_VERSION}\n`;
  const manifest = [
    `dist:\n  name: otelcol-bench\n  output_path: ${directory}\n`,
    `receivers:\n${component("receiver/otlpreceiver")}`,
    `processors:\n${component("processor/batchprocessor")}`,
    `exporters:\n${component("exporter/nopexporter")}`,
  ];
  const file = join(directory, "builder.yaml");
  writeFileSync(file, manifest.join(""));
  const builder = `go.opentelemetry.io/collector/cmd/builder@v${COLLECTOR_VERSION}`;
  execFileSync("go", ["run", builder, "--config", file], { stdio: ["ignore", "inherit", "inherit"] });
}

function commandExists(command: string): boolean {
  try {
    execFileSync(command, ["version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
