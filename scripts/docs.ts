/** Writes the generated documentation, or with `--check` fails when it is not what it would write. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { metricsPage } from "./metrics-page.ts";
import { ROOT } from "./run-command.ts";
import { withRules } from "./rules-section.ts";
import { withScale } from "./scale-section.ts";
import { withSettings } from "./settings-section.ts";
import { tablesPage } from "./tables-page.ts";

const pages = new Map([
  ["docs/metrics.md", metricsPage()],
  ["docs/tables.md", tablesPage()],
]);
const readme = readFileSync(join(ROOT, "README.md"), "utf8");
pages.set("README.md", withSettings(readme));
const runbook = readFileSync(join(ROOT, "docs/runbook.md"), "utf8");
pages.set("docs/runbook.md", withRules(runbook));
const scale = readFileSync(join(ROOT, "docs/scale.md"), "utf8");
pages.set("docs/scale.md", withScale(scale));

const check = process.argv.includes("--check");
let stale = 0;
for (const [file, text] of pages) {
  const path = join(ROOT, file);
  if (existsSync(path) && readFileSync(path, "utf8") === text) continue;
  if (check) {
    console.error(`${file} is not up to date: run "npm run docs"`);
    stale += 1;
  } else {
    writeFileSync(path, text);
    console.log(`wrote ${file}`);
  }
}
if (stale > 0) process.exit(1);
