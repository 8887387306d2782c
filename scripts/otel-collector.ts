/**
 * The OpenTelemetry Collector that `collector-config/` is tested with: `OTELCOL_BIN`, or one built from Go modules as
 * `collector-config/builder.yaml` says, once for each content of that file, and kept in the user's cache folder.
 */
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { cacheDirectory } from "./node-versions.ts";
import { ROOT, runCommand, runOrThrow } from "./run-command.ts";

/** The folder of the configurations. */
export const COLLECTOR_CONFIG: string = join(ROOT, "collector-config");

const BUILDER_FILE = join(COLLECTOR_CONFIG, "builder.yaml");

/** The Collector that is there; undefined when there is none yet, and {@link buildCollector} would have to run. */
export function findCollector(): string | undefined {
  const given = process.env["OTELCOL_BIN"];
  if (given) return given;
  const built = builtExecutable();
  return existsSync(built) ? built : undefined;
}

/** Builds it where it is not there yet, which takes minutes, and returns its path. Rejects with what went wrong. */
export async function buildCollector(): Promise<string> {
  const found = findCollector();
  if (found !== undefined) return found;
  if ((await runCommand("go", ["version"])).exitCode !== 0) {
    throw new Error("there is no Go to build it with: install Go, or set OTELCOL_BIN to a Collector");
  }
  const executable = builtExecutable();
  mkdirSync(cacheDirectory(), { recursive: true });
  const directory = mkdtempSync(join(cacheDirectory(), "building-otelcol-"));
  try {
    copyFileSync(BUILDER_FILE, join(directory, "builder.yaml"));
    const { name, version, output_path: output } = distribution();
    const builder = `go.opentelemetry.io/collector/cmd/builder@v${version}`;
    await runOrThrow("go", ["run", builder, "--config", "builder.yaml"], { directory });
    // Only what is whole has the name that is looked for.
    mkdirSync(join(executable, ".."), { recursive: true });
    renameSync(join(directory, output, name), executable);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return executable;
}

function builtExecutable(): string {
  const hash = createHash("sha256").update(readFileSync(BUILDER_FILE)).digest("hex").slice(0, 16);
  return join(cacheDirectory(), `otelcol-${hash}`, distribution().name);
}

function distribution(): { readonly name: string; readonly version: string; readonly output_path: string } {
  return (parse(readFileSync(BUILDER_FILE, "utf8")) as { dist: ReturnType<typeof distribution> }).dist;
}
