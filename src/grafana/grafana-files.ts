/**
 * Everything that is written for Grafana, as text by path: provisioning and dashboards. Pure: what is written depends on this code and
 * on the table of alert rules alone.
 */
import type { AlertRule, AlertSettings } from "../model/alert-rule.ts";
import { alertsDashboard } from "./dashboards/alerts-dashboard.ts";
import { httpDashboard } from "./dashboards/http-dashboard.ts";
import { overviewDashboard } from "./dashboards/overview-dashboard.ts";
import { webrtcDashboard } from "./dashboards/webrtc-dashboard.ts";
import { DASHBOARDS } from "./names.ts";
import { alertRulesFile } from "./provisioning/alert-rules-file.ts";
import { dashboardProviderFile } from "./provisioning/dashboard-provider-file.ts";
import { datasourceFile } from "./provisioning/datasource-file.ts";
import { contactPointsExample, policiesExample } from "./provisioning/notification-files.ts";
import { grafanaUserSql } from "./provisioning/user-sql.ts";
import { thresholdOf } from "./threshold.ts";

const EMPTY_FOLDER =
  "Nothing is provisioned here. Older versions of Grafana log an error when the folder is missing.\n";

/**
 * The files, by path from the output folder.
 * @param rules the table of alert rules
 * @param defaults the settings whose thresholds stand in until the receiver has written its own
 */
export function grafanaFiles(rules: readonly AlertRule[], defaults: AlertSettings): ReadonlyMap<string, string> {
  const threshold = (id: string) => thresholdOf(rules, defaults, id);
  return new Map([
    ["provisioning/datasources/bandwidth.yaml", datasourceFile()],
    ["provisioning/dashboards/bandwidth.yaml", dashboardProviderFile()],
    ["provisioning/alerting/bandwidth-rules.yaml", alertRulesFile(rules, defaults)],
    ["provisioning/plugins/about.txt", EMPTY_FOLDER],
    ["provisioning/notifiers/about.txt", EMPTY_FOLDER],
    ["provisioning/alerting/contact-points.yaml.example", contactPointsExample()],
    ["provisioning/alerting/policies.yaml.example", policiesExample()],
    [DASHBOARDS.overview.file, overviewDashboard(threshold)],
    [DASHBOARDS.http.file, httpDashboard(threshold)],
    [DASHBOARDS.webrtc.file, webrtcDashboard(threshold)],
    [DASHBOARDS.alerts.file, alertsDashboard(rules, defaults)],
    ["sql/grafana-user.sql", grafanaUserSql()],
  ]);
}
