/** The table of rules is whole, its texts are in the documentation, and the runbook's queries run. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { alertSettingsOf } from "../../src/app/alert-options.ts";
import { loadSettings } from "../../src/app/load-settings.ts";
import { SETTINGS } from "../../src/app/settings.ts";
import { ALERT_RULES, DEFAULT_ALERT_SETTINGS } from "../../src/alerts/alert-rules.ts";
import { alertTimes, windowSecondsOf } from "../../src/alerts/alert-times.ts";
import { withAlertTimes } from "../../src/model/alert-rule.ts";

const runbook = readFileSync(new URL("../../docs/runbook.md", import.meta.url), "utf8");

/** The runbook's sections about rules, by anchor. */
function sections(): ReadonlyMap<string, string> {
  const parts = runbook.split(/^### /m).slice(1);
  return new Map(parts.map((part) => [part.slice(0, part.indexOf("\n")).trim(), part]));
}

describe("the table of rules", () => {
  it("has the rules and thresholds that were promised", () => {
    const thresholds = ALERT_RULES.map((rule) => [rule.id, rule.threshold(DEFAULT_ALERT_SETTINGS), rule.severity]);
    expect(thresholds).toEqual([
      ["http-latency-p95", 300, "warning"],
      ["http-error-ratio", 0.05, "critical"],
      ["webrtc-poor-quality", 0.2, "warning"],
      ["webrtc-packet-loss", 0.05, "warning"],
      ["turn-cost", 1, "warning"],
      ["turn-in-use", 0, "info"],
      ["receiver-freshness", 180, "critical"],
    ]);
  });

  it("has defaults that are those of the settings", () => {
    const loaded = loadSettings({});
    if (loaded.kind === "failure") throw new Error(loaded.faults.join("\n"));
    expect(alertSettingsOf(loaded.settings)).toEqual(DEFAULT_ALERT_SETTINGS);
  });

  it("takes each threshold from the setting that it names", () => {
    const texts = {
      ALERT_HTTP_P95_MILLIS: 450,
      ALERT_POOR_SHARE: 0.31,
      ALERT_TURN_COST_PER_HOUR: 7.5,
      ALERT_PACKET_LOSS: 0.02,
      ALERT_ERROR_RATIO: 0.011,
    };
    const loaded = loadSettings(
      Object.fromEntries(Object.entries(texts).map(([name, value]) => [name, String(value)])),
    );
    if (loaded.kind === "failure") throw new Error(loaded.faults.join("\n"));
    const settings = alertSettingsOf(loaded.settings);
    const bySetting = ALERT_RULES.flatMap((rule) => (rule.setting ? [[rule.setting, rule.threshold(settings)]] : []));
    expect(Object.fromEntries(bySetting)).toEqual(texts);
    expect(SETTINGS.filter(({ name }) => name.startsWith("ALERT_"))).toHaveLength(bySetting.length);
  });

  it("fits its columns, and looks at five minutes or more", () => {
    for (const rule of ALERT_RULES) {
      expect(rule.id).toMatch(/^[a-z0-9-]{1,64}$/);
      expect(rule.protocol.length).toBeLessThanOrEqual(8);
      expect(rule.windowSeconds).toBeGreaterThanOrEqual(300);
      expect(rule.minimumSamples).toBeGreaterThan(0);
      expect(rule.recoveryShare).toBeLessThanOrEqual(1);
      expect(rule.forSeconds % 60).toBe(0);
    }
    expect(new Set(ALERT_RULES.map(({ id }) => id)).size).toBe(ALERT_RULES.length);
  });

  it("has no time left in its SQL once times are put in", () => {
    for (const { sql } of ALERT_RULES) {
      for (const text of [sql.mysql, sql.sqlite]) {
        const filled = withAlertTimes(text, { from: "$__unixEpochFrom()", to: "$__unixEpochTo()", now: 5 });
        expect(filled).not.toMatch(/:(?:from|to|now)/);
        expect(filled).toMatch(/\$__unixEpochFrom\(\)|\b5 - persisted/);
      }
    }
  });
});

describe("the minutes that a rule looks at", () => {
  const [rule] = ALERT_RULES;

  it("are whole, end before the unfinished one, and are persisted", () => {
    expect(alertTimes(rule!, DEFAULT_ALERT_SETTINGS, 6_000_059)).toEqual({
      from: 5_999_640,
      to: 5_999_940,
      now: 6_000_059,
    });
    const quick = { ...DEFAULT_ALERT_SETTINGS, persistIntervalMillis: 100 };
    expect(alertTimes(rule!, quick, 6_000_060).to).toBe(6_000_000);
    expect(alertTimes(rule!, quick, 6_000_061).to).toBe(6_000_060);
  });

  it("are as many as one commit brings, where commits are rare", () => {
    const rare = { ...DEFAULT_ALERT_SETTINGS, persistIntervalMillis: 3_600_000 };
    expect(windowSecondsOf(rule!, rare)).toBe(3600);
    expect(ALERT_RULES.at(-1)!.threshold(rare)).toBe(3 * 3600);
  });
});

describe("the runbook", () => {
  it("has a section for every rule and a rule for every section", () => {
    expect([...sections().keys()]).toEqual(ALERT_RULES.map(({ id }) => id));
  });

  it("says of each rule what it means, what to look at, what to do and how to silence it", () => {
    for (const rule of ALERT_RULES) {
      const section = sections().get(rule.id) ?? "";
      for (const part of ["**It means**", "**Look at**", "**Do**", "**Silence**", "```sql"]) {
        expect(section, `${rule.id}: ${part}`).toContain(part);
      }
      if (rule.setting) expect(section).toContain(`\`${rule.setting}\``);
    }
  });
});
