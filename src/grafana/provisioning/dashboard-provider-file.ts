/** `provisioning/dashboards`: where Grafana finds the dashboards. */
import { FOLDER } from "../names.ts";
import { yamlFile } from "./yaml-file.ts";

/** The YAML of the dashboard provider. */
export function dashboardProviderFile(): string {
  return yamlFile("GRAFANA_DASHBOARDS_PATH is the folder of the dashboards' JSON, as Grafana sees it.", {
    apiVersion: 1,
    providers: [
      {
        name: "otel-bandwidth",
        orgId: 1,
        folder: FOLDER,
        type: "file",
        disableDeletion: true,
        allowUiUpdates: false,
        updateIntervalSeconds: 60,
        options: { path: "${GRAFANA_DASHBOARDS_PATH}", foldersFromFilesStructure: false },
      },
    ],
  });
}
