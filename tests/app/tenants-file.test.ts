import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadSettings } from "../../src/app/load-settings.ts";
import type { ReceiverSettings } from "../../src/app/settings.ts";
import { Tenants } from "../../src/app/tenants.ts";
import { readTenantRules } from "../../src/app/tenants-file.ts";
import { limitsOf, limitsTheDoor, UNLIMITED } from "../../src/model/tenant-limits.ts";
import { FakeClock } from "../support/fake-clock.ts";

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "otel-bandwidth-tenants-"));
  path = join(folder, "tenants.json");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function settingsWith(options: Partial<ReceiverSettings>): ReceiverSettings {
  const loaded = loadSettings({}, options);
  if (loaded.kind === "failure") throw new Error(loaded.faults.join("\n"));
  return loaded.settings;
}

function rulesOf(content: unknown, options: Partial<ReceiverSettings> = {}) {
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return readTenantRules(settingsWith({ tenantsFile: path, ...options }));
}

describe("limits of tenants", () => {
  it("are none by default", () => {
    const { plan, tokens } = readTenantRules(settingsWith({}));
    expect([plan.defaults, limitsTheDoor(plan), tokens.size]).toEqual([UNLIMITED, false, 0]);
  });

  it("are those of the settings, and of the file where it says others; 0 is none", () => {
    const { plan, tokens } = rulesOf(
      { large: { maxPointsPerMinute: 900, maxSeries: 0, tokens: ["large-token"] }, "": { maxLogShare: 0.1 } },
      { tenantMaxPointsPerMinute: 100, tenantMaxSeries: 10, tenantMaxBytesPerMinute: 5000 },
    );
    const defaults = { maxPointsPerMinute: 100, maxBytesPerMinute: 5000, maxSeries: 10, maxLogShare: 1 };
    expect(limitsOf(plan, "any")).toEqual(defaults);
    expect(limitsOf(plan, "large")).toEqual({ ...defaults, maxPointsPerMinute: 900, maxSeries: Infinity });
    expect(limitsOf(plan, "")).toEqual({ ...defaults, maxLogShare: 0.1 });
    expect([...tokens]).toEqual([[createHash("sha256").update("large-token").digest("hex"), "large"]]);
  });

  it.each([
    ["[]", "TENANTS_FILE: expected an object with a member for each tenant"],
    [{ a: 5 }, 'TENANTS_FILE: "a": expected an object'],
    [{ a: { maxSeries: -1 } }, 'TENANTS_FILE: "a".maxSeries: expected a whole number, 0 for no limit (got -1)'],
    [{ a: { maxLogShare: 0 } }, 'TENANTS_FILE: "a".maxLogShare: expected a number above 0, at most 1 (got 0)'],
    [{ a: { maxSeries: "5" } }, 'TENANTS_FILE: "a".maxSeries: expected a whole number, 0 for no limit (got "5")'],
    [
      { a: { rate: 1 } },
      'TENANTS_FILE: "a".rate: there is no such limit, only maxPointsPerMinute, maxBytesPerMinute, maxSeries, maxLogShare, tokens',
    ],
    [
      { a: { tokens: ["short"] } },
      'TENANTS_FILE: "a".tokens: expected a list of texts of 8 characters or more, without spaces',
    ],
    [{ "": { tokens: ["long-enough"] } }, 'TENANTS_FILE: "": a token must name a tenant'],
    [
      { a: { tokens: ["long-enough"] }, b: { tokens: ["long-enough"] } },
      'TENANTS_FILE: "b".tokens: one of them is given twice',
    ],
    [{ ["x".repeat(129)]: {} }, `TENANTS_FILE: "${"x".repeat(129)}": expected a name of 128 characters at most`],
  ])("say what is wrong with %j", (content, message) => {
    expect(() => rulesOf(content)).toThrow(new Error(message));
  });

  it("list every fault at once, and say that a file is no JSON or not there", () => {
    expect(() => rulesOf({ a: { maxSeries: -1 }, b: 1 })).toThrow(/"a"\.maxSeries[^]*\n.*"b"/);
    expect(() => rulesOf("{")).toThrow(/^TENANTS_FILE: expected a JSON file \(/);
    expect(() => readTenantRules(settingsWith({ tenantsFile: join(folder, "none") }))).toThrow(/ENOENT/);
  });
});

describe("a file that was changed", () => {
  it("takes effect when it is read again, and changes nothing when it is wrong", () => {
    writeFileSync(path, "{}");
    const tenants = new Tenants(settingsWith({ tenantsFile: path }), new FakeClock(0), () => []);
    expect([tenants.doorGate(), tenants.maxSeriesOf("a"), tenants.tokens().size]).toEqual([undefined, Infinity, 0]);
    writeFileSync(path, JSON.stringify({ a: { maxSeries: 7, maxPointsPerMinute: 1, tokens: ["long-enough"] } }));
    tenants.reload();
    expect([tenants.doorGate(), tenants.maxSeriesOf("a"), tenants.tokens().size]).toEqual([tenants.gate, 7, 1]);
    writeFileSync(path, "{");
    expect(() => tenants.reload()).toThrow(/TENANTS_FILE/);
    expect([tenants.maxSeriesOf("a"), tenants.tokens().size]).toEqual([7, 1]);
  });
});
