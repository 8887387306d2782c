/** `otel-bandwidth dashboards` writes what Grafana needs, and nothing over what somebody changed. */
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { FILES } from "../grafana/generated-files.ts";
import { runCommand } from "../support/command.ts";

const folder = mkdtempSync(join(tmpdir(), "dashboards-"));
afterAll(() => rmSync(folder, { recursive: true }));

it("writes every file, and says what Grafana needs", async () => {
  const out = join(folder, "new/grafana");
  const { code, stdout, stderr } = await runCommand(["dashboards", "--out", out]);
  expect([code, stderr]).toEqual([0, ""]);
  const written = globSync("**/*.*", { cwd: out }).sort();
  expect(written).toEqual([...FILES.keys()].sort());
  for (const file of written) expect(readFileSync(join(out, file), "utf8")).toBe(FILES.get(file));
  for (const name of ["GF_PATHS_PROVISIONING", "GRAFANA_DASHBOARDS_PATH", "MYSQL_HOST", "GRAFANA_MYSQL_PASSWORD"])
    expect(stdout).toContain(name);
});

it("leaves what was changed alone, names it, and overwrites it when told to", async () => {
  const out = join(folder, "changed");
  await runCommand(["dashboards", "--out", out]);
  expect((await runCommand(["dashboards", "--out", out])).code).toBe(0);
  const changed = join(out, "provisioning/alerting/bandwidth-rules.yaml");
  writeFileSync(changed, "mine");
  const refused = await runCommand(["dashboards", "--out", out]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain(changed);
  expect(readFileSync(changed, "utf8")).toBe("mine");
  expect((await runCommand(["dashboards", "--out", out, "--force"])).code).toBe(0);
  expect(readFileSync(changed, "utf8")).not.toBe("mine");
});

it("a folder that cannot be made ends with 1, no folder with 2", async () => {
  const file = join(folder, "file");
  writeFileSync(file, "");
  const impossible = await runCommand(["dashboards", "--out", join(file, "x")]);
  expect(impossible.code).toBe(1);
  expect(impossible.stderr).toMatch(/^otel-bandwidth: E/);
  expect((await runCommand(["dashboards"])).code).toBe(2);
});
