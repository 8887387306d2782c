/** `provisioning/datasources`: the database of the totals, as a user that may only SELECT. Its values come from Grafana's environment. */
import { DATASOURCE_UID } from "../names.ts";
import { yamlFile } from "./yaml-file.ts";

/** The YAML of the data source. */
export function datasourceFile(): string {
  return yamlFile("The totals of otel-bandwidth. The user needs SELECT and nothing more: see sql/grafana-user.sql.", {
    apiVersion: 1,
    datasources: [
      {
        name: "Bandwidth MySQL",
        uid: DATASOURCE_UID,
        type: "mysql",
        access: "proxy",
        url: "${MYSQL_HOST}",
        user: "${GRAFANA_MYSQL_USER}",
        // Read at the top by Grafana before 10, in jsonData since.
        database: "${MYSQL_DATABASE}",
        editable: false,
        jsonData: {
          database: "${MYSQL_DATABASE}",
          timezone: "+00:00",
          timeInterval: "1m",
          maxOpenConns: 10,
          maxIdleConns: 10,
          connMaxLifetime: 14_400,
        },
        secureJsonData: { password: "${GRAFANA_MYSQL_PASSWORD}" },
      },
    ],
  });
}
