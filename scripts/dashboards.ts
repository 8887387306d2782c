/** Writes `grafana/` from `src/grafana`, or with `--check` fails when it is not what it would write. */
import { globSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ALERT_RULES, DEFAULT_ALERT_SETTINGS } from "../src/alerts/alert-rules.ts";
import { grafanaFiles } from "../src/grafana/grafana-files.ts";
import { ROOT } from "./run-command.ts";

const directory = join(ROOT, "grafana");
const files = grafanaFiles(ALERT_RULES, DEFAULT_ALERT_SETTINGS);
const check = process.argv.includes("--check");
const faults: string[] = [];

for (const [file, text] of files) {
  const path = join(directory, file);
  if (existsSync(path) && readFileSync(path, "utf8") === text) continue;
  if (check) {
    faults.push(`grafana/${file} is not up to date`);
    continue;
  }
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  console.log(`wrote grafana/${file}`);
}
for (const file of globSync("**/*.*", { cwd: directory })) {
  if (files.has(file.replaceAll("\\", "/"))) continue;
  if (check) faults.push(`grafana/${file} is not made by src/grafana`);
  else rmSync(join(directory, file));
}
if (faults.length > 0) {
  console.error(`${faults.join("\n")}\nrun "npm run dashboards"`);
  process.exit(1);
}
