/**
 * `otel-bandwidth dashboards --out DIR`: the provisioning files, dashboards and SQL for Grafana, as they lie in the package. What is
 * there already and differs is left alone unless `--force` is given.
 */
import { cpSync, existsSync, globSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { messageOf } from "../model/result.ts";
import { UsageError } from "./usage-error.ts";

/** Beside `src` in the repository and beside `dist` in the package. */
const SOURCE = fileURLToPath(new URL("../../grafana", import.meta.url));

/** Runs the command; the exit code is 1 when a file could not be written or would have been overwritten. */
// oxlint-disable-next-line require-await -- commands are asynchronous
export async function dashboards(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { out: { type: "string" }, force: { type: "boolean", default: false } },
  });
  const out = values.out;
  if (out === undefined || out === "") throw new UsageError("dashboards: --out DIR is needed");
  const files = globSync("**/*", { cwd: SOURCE, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(SOURCE.length + 1))
    .sort();
  if (files.length === 0) throw new Error(`dashboards: the package is incomplete: there is nothing in ${SOURCE}`);
  const changed = files.filter((file) => differs(join(SOURCE, file), join(out, file)));
  if (changed.length > 0 && !values.force) {
    process.stderr.write(
      `otel-bandwidth: these are there and differ; --force overwrites them:\n${changed.map((file) => `  ${join(out, file)}\n`).join("")}`,
    );
    return 1;
  }
  try {
    for (const file of files) {
      mkdirSync(dirname(join(out, file)), { recursive: true });
      cpSync(join(SOURCE, file), join(out, file));
    }
  } catch (error) {
    process.stderr.write(`otel-bandwidth: ${messageOf(error)}\n`);
    return 1;
  }
  process.stdout.write(`wrote ${files.length} files to ${out}
GF_PATHS_PROVISIONING=${join(out, "provisioning")}
GRAFANA_DASHBOARDS_PATH=${join(out, "dashboards")}
Grafana also needs MYSQL_HOST, MYSQL_DATABASE, GRAFANA_MYSQL_USER and GRAFANA_MYSQL_PASSWORD; ${join(out, "sql/grafana-user.sql")} makes the user.
`);
  return 0;
}

function differs(source: string, target: string): boolean {
  return existsSync(target) && !readFileSync(source).equals(readFileSync(target));
}
