/**
 * The steps of docs/rollback.md do what it says. Those of METRICS_ENABLED are in serve.test.ts and tests/http/register.test.ts, those of
 * pages in tests/bridge/page-sockets.test.ts and tests/browser/monitor-in-chromium.test.ts.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, it } from "vitest";
import { SETTINGS } from "../../src/app/settings.ts";
import { loadMigrations } from "../../src/rollup/migration.ts";
import { type CommandOutcome, runCommand, startCommand } from "../support/command.ts";
import { nowNanos, postMetric, receivedBytes } from "../support/send-metrics.ts";
import { embeddedColumnSums } from "../support/totals.ts";

const page = readFileSync(new URL("../../docs/rollback.md", import.meta.url), "utf8");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "otel-bandwidth-rollback-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a receiver until it has taken in, and stored, so many bytes more. */
async function receive(bytes: bigint): Promise<void> {
  const command = startCommand([], { DATA_DIR: folder, OTLP_PORT: "0", BRIDGE_PORT: "0" });
  try {
    const [, otlp = ""] = await command.printed(/OTLP at (\S+)\/v1\/metrics/);
    await command.printed(/log in /);
    const start = nowNanos();
    expect((await postMetric(otlp, receivedBytes(bytes, start))).status).toBe(200);
    expect((await command.stop()).code).toBe(0);
  } finally {
    command.child.kill("SIGKILL");
  }
}

async function migrate(...args: string[]): Promise<CommandOutcome> {
  return await runCommand(["migrate", ...args], { DATA_DIR: folder });
}

function tables(): readonly string[] {
  const database = new DatabaseSync(join(folder, "bandwidth.db"));
  try {
    const rows = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").all();
    return rows.map(({ name }) => String(name));
  } finally {
    database.close();
  }
}

it("names every migration, and settings that there are", () => {
  for (const { version, name } of loadMigrations("mysql"))
    expect(page).toMatch(new RegExp(`\\| ${version} \`${name}\``));
  const names = new Set(SETTINGS.map(({ name }) => name));
  const named = [...page.matchAll(/`([A-Z][A-Z_]+)(?:=\w+)?`/g)].map(([, name = ""]) => name);
  expect(named).toContain("METRICS_ENABLED");
  expect(named.filter((name) => !names.has(name))).toEqual([]);
});

it(
  "goes down to any migration but the first, and up again, without a change of the totals",
  { timeout: 120_000 },
  async () => {
    await receive(1000n);
    for (const version of loadMigrations("sqlite")
      .map((migration) => migration.version - 1)
      .filter((one) => one > 0)
      .toReversed()) {
      const { code, stdout } = await migrate("down", "--to", String(version));
      expect([code, stdout]).toEqual([0, expect.stringMatching(/^down: /)]);
      expect(await embeddedColumnSums(folder)).toEqual({ wire_bytes_in: 1000n });
    }
    expect((await migrate("status")).stdout).toMatch(/^0001 totals: applied .*\n(?:\d+ \S+: pending\n)+$/);
    await receive(500n);
    expect((await migrate("status")).stdout).not.toContain("pending");
    expect(await embeddedColumnSums(folder)).toEqual({ wire_bytes_in: 1500n });
  },
);

it("leaves nothing but its own list when it goes down to 0", { timeout: 120_000 }, async () => {
  await receive(1000n);
  expect((await migrate("down", "--to", "0")).code).toBe(0);
  expect(tables()).toEqual(["schema_migrations"]);
});
