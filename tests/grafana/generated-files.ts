/** What is written for Grafana, parsed. */
import { parse } from "yaml";
import { ALERT_RULES, DEFAULT_ALERT_SETTINGS } from "../../src/alerts/alert-rules.ts";
import { grafanaFiles } from "../../src/grafana/grafana-files.ts";
import type { DashboardJson } from "./open-dashboard.ts";

/** The files by path. */
export const FILES: ReadonlyMap<string, string> = grafanaFiles(ALERT_RULES, DEFAULT_ALERT_SETTINGS);

/** The dashboards, in the order of their links. */
export const DASHBOARDS: readonly DashboardJson[] = ["overview", "http", "webrtc", "alerts"].map(
  (name) => JSON.parse(fileText(`dashboards/bandwidth-${name}.json`)) as DashboardJson,
);

/** The dashboard of a uid. */
export function dashboardOf(uid: string): DashboardJson {
  const found = DASHBOARDS.find((dashboard) => dashboard.uid === uid);
  if (found === undefined) throw new Error(`no dashboard ${uid}`);
  return found;
}

/** A query of a rule. */
export interface RuleQueryJson {
  readonly refId: string;
  readonly datasourceUid: string;
  readonly relativeTimeRange?: { readonly from: number; readonly to: number };
  readonly model: { readonly rawSql?: string; readonly type?: string; readonly expression?: string };
}

/** A rule of the provisioned file. */
export interface RuleJson {
  readonly uid: string;
  readonly title: string;
  readonly condition: string;
  readonly for: string;
  readonly noDataState: string;
  readonly execErrState: string;
  readonly dashboardUid: string;
  readonly panelId: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly data: readonly RuleQueryJson[];
}

/** The provisioned rules. */
export const RULES: readonly RuleJson[] = (
  parse(fileText("provisioning/alerting/bandwidth-rules.yaml")) as { groups: { rules: RuleJson[] }[] }
).groups.flatMap(({ rules }) => rules);

/** The text of a file. Throws when it is not written. */
export function fileText(path: string): string {
  const text = FILES.get(path);
  if (text === undefined) throw new Error(`${path} is not written`);
  return text;
}
