/**
 * The 2.x line of the OpenTelemetry SDK with the API that it asks for, in a folder outside the repository that is kept: both
 * lines cannot be in one `node_modules`, because their peers exclude each other.
 */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheDirectory } from "../../scripts/node-versions.ts";
import { runOrThrow } from "../../scripts/run-command.ts";

/** The last versions of the line. */
const PACKAGES: Readonly<Record<string, string>> = {
  "@opentelemetry/api": "1.9.1",
  "@opentelemetry/context-async-hooks": "2.12.0",
  "@opentelemetry/exporter-metrics-otlp-http": "0.223.0",
  "@opentelemetry/instrumentation-http": "0.223.0",
  "@opentelemetry/sdk-metrics": "2.12.1",
  "@opentelemetry/sdk-node": "0.223.0",
};

/** Its `node_modules`. */
export const SDK_2_MODULES: string = join(cacheDirectory(), "otel-sdk-2.12.1/node_modules");

/** The file that `import` of a package of the line loads. */
export function sdk2File(name: string): string {
  return join(SDK_2_MODULES, name, "build/src/index.js");
}

/** Vitest's global set-up of what runs on the line: installs it where it is not yet. */
export default async function ensureSdk2(): Promise<void> {
  if (existsSync(SDK_2_MODULES)) return;
  mkdirSync(cacheDirectory(), { recursive: true });
  const folder = mkdtempSync(join(cacheDirectory(), "installing-"));
  try {
    writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, dependencies: PACKAGES }));
    await runOrThrow("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund"], { directory: folder });
    renameSync(folder, join(SDK_2_MODULES, ".."));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
