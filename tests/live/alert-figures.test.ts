import { describe, expect, it } from "vitest";
import { ALERT_RULES, DEFAULT_ALERT_SETTINGS } from "../../src/alerts/alert-rules.ts";
import { alertLists, RULE_TEXTS, thresholdOf } from "../../src/live/alert-figures.ts";
import { alert } from "./live-figures.ts";

const NOW = 10_000_000;
const plain = (text: string): string => text.replaceAll("\u00a0", " ");

describe("alerts", () => {
  it("are listed firing before pending, the worst first, then the newest; information does not count as firing", () => {
    const alerts = [
      alert(NOW, { scope: "pending", state: "pending", severity: "critical" }),
      alert(NOW, { scope: "info", severity: "info" }),
      alert(NOW, { scope: "odd", severity: "unheard-of" }),
      alert(NOW, { scope: "old warning", startedAt: NOW - 90_000 }),
      alert(NOW, { scope: "warning" }),
      alert(NOW, { scope: "critical", severity: "critical" }),
    ];
    const { active, firing } = alertLists(alerts, NOW);
    const scopes = ["critical", "warning", "old warning", "info", "odd", "pending"];
    expect(active.map((figures) => figures.alert.scope)).toEqual(scopes);
    expect(firing).toBe(4);
  });

  it("that are resolved are listed apart, the newest first", () => {
    const resolved = [1000, 3000, 2000].map((resolvedAt) =>
      alert(NOW, { state: "resolved", startedAt: 0, resolvedAt }),
    );
    const { active, recent, firing } = alertLists(resolved, NOW);
    expect([active, firing]).toEqual([[], 0]);
    expect(recent.map((figures) => figures.alert.resolvedAt)).toEqual([3000, 2000, 1000]);
    expect(recent.map(({ duration }) => plain(duration))).toEqual(["lasted 3 s", "lasted 2 s", "lasted 1 s"]);
  });

  it("show value and threshold in the unit of their rule", () => {
    const [latency] = alertLists([alert(NOW)], NOW).active;
    expect([latency!.title, latency!.value, latency!.threshold, latency!.share].map(String).map(plain)).toEqual([
      "HTTP p95 latency",
      "412 ms",
      "300 ms",
      String(412 / 300),
    ]);
    expect(plain(latency!.duration)).toBe("for 1 min");
    const [loss] = alertLists([alert(NOW, { rule: "webrtc-packet-loss", value: 0.25, threshold: 0.05 })], NOW).active;
    expect([loss!.value, loss!.threshold].map(plain)).toEqual(["25.0 %", "5.00 %"]);
    expect(loss!.share).toBe(2);
  });

  it("of a rule that this page does not know are shown by their id, with plain numbers", () => {
    const [unknown] = alertLists([alert(NOW, { rule: "new-rule", value: 7, threshold: 0 })], NOW).active;
    expect(unknown).toMatchObject({ title: "new-rule", value: "7", threshold: "0", share: null });
  });

  it("have a text for every rule of the receiver, with its title and in its unit", () => {
    const units: Record<string, RegExp> = {
      ms: /^300 ms$/,
      "1": /^\d+\.\d\d? %$/,
      "{currency}/h": /^1\.00 \/h$/,
      "{participant}": /^0 relayed$/,
      s: /^180 s$/,
    };
    expect(Object.keys(RULE_TEXTS).toSorted()).toEqual(ALERT_RULES.map(({ id }) => id).toSorted());
    for (const { id, title, unit, threshold } of ALERT_RULES) {
      expect(RULE_TEXTS[id]!.title).toBe(title);
      expect(plain(RULE_TEXTS[id]!.format(threshold(DEFAULT_ALERT_SETTINGS)))).toMatch(units[unit]!);
    }
  });

  it("tell the threshold that a chart draws", () => {
    expect(thresholdOf([alert(NOW, { threshold: 250 })], "http-latency-p95")).toBe(250);
    expect(thresholdOf([alert(NOW)], "turn-cost")).toBeUndefined();
  });
});
