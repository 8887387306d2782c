/** What is written for Grafana keeps to what every Grafana from 9.4 on loads, and to what people rely on. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { ALERT_RULES, DEFAULT_ALERT_SETTINGS } from "../../src/alerts/alert-rules.ts";
import { METRICS } from "../../src/model/metric-names.ts";
import { DASHBOARDS, dashboardOf, FILES, fileText, RULES } from "./generated-files.ts";
import type { DashboardJson, PanelJson } from "./open-dashboard.ts";

const root = new URL("../..", import.meta.url).pathname;

/** Panels that show a query of ours. */
function queried(dashboard: DashboardJson): readonly PanelJson[] {
  return dashboard.panels.filter(({ targets }) => targets !== undefined && targets.length > 0);
}

const everyPanel = DASHBOARDS.flatMap((dashboard) =>
  dashboard.panels.map((panel) => ({ name: `${dashboard.uid}: ${panel.title}`, panel, dashboard })),
);

describe("the files", () => {
  it.each([...FILES.keys()])("%s is in the repository as the code writes it", (file) => {
    expect(readFileSync(join(root, "grafana", file), "utf8")).toBe(FILES.get(file));
  });

  it("hold no address, password or path of a machine", () => {
    for (const [file, text] of FILES) expect(text, file).not.toMatch(/localhost|127\.0\.0\.1|\/work\/|\/home\//);
  });
});

describe("the data source", () => {
  const { datasources } = parse(fileText("provisioning/datasources/bandwidth.yaml")) as {
    datasources: Record<string, unknown>[];
  };

  it("has the uid that all panels name, and takes everything else from Grafana's environment", () => {
    expect(datasources).toHaveLength(1);
    expect(datasources[0]).toMatchObject({
      uid: "bandwidth-mysql",
      type: "mysql",
      url: "${MYSQL_HOST}",
      user: "${GRAFANA_MYSQL_USER}",
      database: "${MYSQL_DATABASE}",
      jsonData: { database: "${MYSQL_DATABASE}", timezone: "+00:00" },
      secureJsonData: { password: "${GRAFANA_MYSQL_PASSWORD}" },
    });
  });

  it("is the only one", () => {
    for (const { uid, templating } of DASHBOARDS) {
      for (const variable of templating?.list ?? []) expect(variable.datasource.uid, uid).toBe("bandwidth-mysql");
    }
    for (const { name, panel } of everyPanel) {
      for (const target of panel.targets ?? []) expect(target.datasource.uid, name).toBe("bandwidth-mysql");
    }
  });
});

describe("the dashboards", () => {
  it("have the uids that links rely on, and the format of Grafana 9.4", () => {
    expect(DASHBOARDS.map(({ uid }) => uid)).toEqual([
      "bandwidth-overview",
      "bandwidth-http",
      "bandwidth-webrtc",
      "bandwidth-alerts",
    ]);
    for (const { schemaVersion } of DASHBOARDS) expect(schemaVersion).toBe(37);
  });

  it.each(DASHBOARDS.map((dashboard) => [dashboard.uid, dashboard] as const))(
    "%s gives every panel an id of its own and a place where no other is",
    (_uid, { panels }) => {
      expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
      const taken = new Set<string>();
      for (const { title, gridPos } of panels) {
        expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
        for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
          for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
            expect(taken.has(`${x} ${y}`), `${title} at ${x}, ${y}`).toBe(false);
            taken.add(`${x} ${y}`);
          }
        }
      }
    },
  );

  it("use only panels that Grafana has shipped since 9.4", () => {
    const types = new Set(everyPanel.map(({ panel }) => panel.type));
    expect([...types].sort()).toEqual(["alertlist", "heatmap", "row", "stat", "table", "text", "timeseries"]);
  });

  it.each(everyPanel.filter(({ panel }) => panel.type !== "row").map(({ name, panel }) => [name, panel] as const))(
    "%s has a title and says what it shows",
    (_name, panel) => {
      expect(panel.title).not.toBe("");
      expect(panel.description?.length ?? 0).toBeGreaterThan(20);
    },
  );

  it.each(
    DASHBOARDS.flatMap((dashboard) =>
      queried(dashboard).map((panel) => [`${dashboard.uid}: ${panel.title}`, panel] as const),
    ),
  )("%s has units", (_name, { type, fieldConfig }) => {
    const units = (fieldConfig?.overrides ?? []).flatMap(({ properties }) =>
      properties.filter(({ id }) => id === "unit"),
    );
    if (type === "table") expect(units.length).toBe(fieldConfig?.overrides.length);
    else expect(fieldConfig?.defaults.unit).toBeTruthy();
  });

  it("lead from each to the three others, with time and variables", () => {
    for (const { uid, links } of DASHBOARDS) {
      const others = DASHBOARDS.filter((other) => other.uid !== uid).map((other) => `/d/${other.uid}`);
      expect(links.map(({ url }) => url)).toEqual(others);
      for (const link of links) expect(link).toMatchObject({ keepTime: true, includeVars: true });
    }
  });

  it("link only to dashboards, panels and variables that there are, and keep the time range", () => {
    const text = DASHBOARDS.map((dashboard) => JSON.stringify(dashboard)).join("\n");
    const links = [...text.matchAll(/\/d\/([\w-]+)(\?[^"\\ )]*)?/g)];
    expect(links.length).toBeGreaterThan(20);
    for (const [whole, uid, query = ""] of links) {
      const target = dashboardOf(uid!);
      const names = target.templating?.list.map(({ name }) => name) ?? [];
      for (const [, name] of query.matchAll(/var-(\w+)=|\$\{(?!__)(\w+)/g)) {
        if (name !== undefined) expect(names, whole).toContain(name);
      }
      const view = /viewPanel=(\d+)/.exec(query);
      if (view !== null)
        expect(
          target.panels.map(({ id }) => id),
          whole,
        ).toContain(Number(view[1]));
      if (query.includes("var-")) expect(query).toContain("${__url_time_range}");
    }
  });

  it("keep hidden variables out of addresses, and ask all variables again when the time range changes", () => {
    for (const { templating } of DASHBOARDS) {
      for (const { name, hide, skipUrlSync, refresh, multi, includeAll, allValue } of templating?.list ?? []) {
        expect(refresh, name).toBe(2);
        expect(skipUrlSync, name).toBe(hide === 2);
        expect([multi, includeAll, allValue !== undefined], name).toEqual(Array(3).fill(hide !== 2));
      }
    }
  });

  it("name no metric that is not in the table", () => {
    const known = new Set(METRICS.map(({ name }) => name));
    const named = DASHBOARDS.flatMap((dashboard) => [
      ...JSON.stringify(dashboard.panels.map(({ description }) => description)).matchAll(
        /`((?:http|webrtc|bandwidth)\.[\w.]+)`/g,
      ),
    ]).map((match) => match[1]!);
    expect(named.length).toBeGreaterThan(3);
    for (const name of named) expect(known.has(name), name).toBe(true);
  });

  it("judge by the thresholds of the alert rules", () => {
    const judged: Record<string, readonly [uid: string, title: string][]> = {
      "http-latency-p95": [
        ["bandwidth-overview", "HTTP p95"],
        ["bandwidth-overview", "HTTP latency"],
        ["bandwidth-http", "p95"],
        ["bandwidth-http", "Latency"],
      ],
      "http-error-ratio": [
        ["bandwidth-overview", "Failed"],
        ["bandwidth-http", "Errors"],
      ],
      "webrtc-packet-loss": [
        ["bandwidth-webrtc", "Packet loss"],
        ["bandwidth-webrtc", "Packet loss each way"],
      ],
      "webrtc-poor-quality": [["bandwidth-webrtc", "Poor quality"]],
      "turn-cost": [["bandwidth-webrtc", "TURN cost an hour"]],
      "receiver-freshness": [["bandwidth-overview", "Totals are behind by"]],
    };
    for (const [id, panels] of Object.entries(judged)) {
      const rule = ALERT_RULES.find((candidate) => candidate.id === id)!;
      for (const [uid, title] of panels) {
        const panel = dashboardOf(uid).panels.find((candidate) => candidate.title === title)!;
        const steps = panel.fieldConfig?.defaults.thresholds?.steps;
        expect(steps?.at(-1)?.value, title).toBe(rule.threshold(DEFAULT_ALERT_SETTINGS));
        const sql = panel.targets!.map(({ rawSql }) => rawSql).join("\n");
        expect(sql, title).toContain(`FROM alert_thresholds WHERE rule = '${id}'`);
      }
    }
  });
});

describe("the provisioned rules", () => {
  it("are those of the table of rules", () => {
    expect(RULES.map(({ labels }) => labels["rule"])).toEqual(ALERT_RULES.map(({ id }) => id));
    expect(RULES.map((rule) => rule.for)).toEqual(ALERT_RULES.map(({ forSeconds }) => `${forSeconds}s`));
    expect(RULES.map(({ labels }) => labels["severity"])).toEqual(ALERT_RULES.map(({ severity }) => severity));
    expect(new Set(RULES.map(({ uid }) => uid)).size).toBe(RULES.length);
    for (const { uid } of RULES) expect(uid.length).toBeLessThanOrEqual(40);
  });

  it.each(RULES.map((rule) => [rule.title, rule] as const))(
    "%s leads to a panel and to the runbook",
    (_title, rule) => {
      const panels = dashboardOf(rule.dashboardUid).panels.filter(({ type }) => type !== "row");
      expect(panels.map(({ id }) => id)).toContain(rule.panelId);
      expect(rule.annotations).toMatchObject({
        __dashboardUid__: rule.dashboardUid,
        __panelId__: String(rule.panelId),
      });
      const [, uid, panelId] = /d\/([\w-]+)\?viewPanel=(\d+)#/.exec(rule.annotations["runbook_url"]!)!;
      const runbook = dashboardOf(uid!).panels.find(({ id }) => id === Number(panelId));
      const id = rule.labels["rule"]!;
      expect(runbook?.options?.["content"]).toContain(`docs/runbook.md#${id}`);
      expect(readFileSync(join(root, "docs/runbook.md"), "utf8")).toContain(`### ${id}\n`);
      expect(rule.annotations["description"]).toMatch(/\{\{ \w+ .*\.Values\.A\.Value \}\}.*, above \{\{ \w+ .*\.Values\.B\.Value \}\}/);
    },
  );

  it("use nothing that Grafana 9.4 does not know", () => {
    const keys = new Set(RULES.flatMap((rule) => Object.keys(rule)));
    const known = [
      "uid",
      "title",
      "condition",
      "for",
      "noDataState",
      "execErrState",
      "dashboardUid",
      "panelId",
      "labels",
    ];
    expect([...keys].sort()).toEqual([...known, "annotations", "data"].sort());
    for (const { noDataState, execErrState } of RULES) {
      expect(["OK", "Alerting", "NoData"]).toContain(noDataState);
      expect(["OK", "Alerting", "Error"]).toContain(execErrState);
    }
  });

  it("keep still without data, but for the one that watches the receiver", () => {
    const loud = RULES.filter(({ noDataState, execErrState }) => noDataState !== "OK" || execErrState !== "OK");
    expect(loud.map(({ labels }) => labels["rule"])).toEqual(["receiver-freshness"]);
  });
});
