import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { checkLine } from "../../../src/app/doctor/check.ts";
import { tenantChecks } from "../../../src/app/doctor/tenant-checks.ts";
import { loadSettings } from "../../../src/app/load-settings.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "otel-bandwidth-tenants-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function lines(environment: Readonly<Record<string, string>>, content?: string): string[] {
  const file = join(folder, "tenants.json");
  if (content !== undefined) writeFileSync(file, content);
  const loaded = loadSettings({ ...environment, ...(content !== undefined && { TENANTS_FILE: file }) });
  if (loaded.kind === "failure") throw new Error(loaded.faults.join("\n"));
  return tenantChecks(loaded.settings).map(checkLine);
}

it("says nothing of tenants where none is limited", () => {
  expect(lines({})).toEqual([]);
});

it("counts the tenants of the file, and fails on a wrong one", () => {
  expect(lines({}, '{"a":{"maxSeries":5},"b":{}}')).toEqual(["ok   tenants: 2 in TENANTS_FILE"]);
  expect(lines({}, '{"a":{"maxSeries":-5}}')).toEqual([
    'FAIL tenants: TENANTS_FILE: "a".maxSeries: expected a whole number, 0 for no limit (got -5)',
  ]);
});

it("warns where tenants within their limits together need more series than a shard may have", () => {
  const small = { METRICS_MAX_SERIES: "10", TENANT_MAX_SERIES: "4" };
  expect(lines(small, '{"a":{"maxSeries":6}}')).toEqual(["ok   tenants: 1 in TENANTS_FILE"]);
  expect(lines(small, '{"a":{"maxSeries":7}}')[1]).toMatch(
    /^warn tenants: their series may be 11, METRICS_MAX_SERIES is 10: raise METRICS_MAX_SERIES/,
  );
});
