/**
 * Examples of contact points and policies: files that Grafana does not load until they are renamed, because policies replace the whole
 * tree of an organisation.
 */
import { yamlFile } from "./yaml-file.ts";

/** The YAML of an e-mail and a webhook contact point. */
export function contactPointsExample(): string {
  return yamlFile("An example. Rename to contact-points.yaml after you have put in where alerts should go.", {
    apiVersion: 1,
    contactPoints: [
      {
        orgId: 1,
        name: "bandwidth",
        receivers: [
          { uid: "bandwidth-email", type: "email", settings: { addresses: "oncall@example.org" } },
          {
            uid: "bandwidth-webhook",
            type: "webhook",
            settings: { url: "https://hooks.example.org/bandwidth", httpMethod: "POST" },
          },
        ],
      },
    ],
  });
}

/** The YAML of a tree of policies. */
export function policiesExample(): string {
  const comment = `An example. It REPLACES the organisation's whole tree of notification policies: merge it with yours before you rename it to
policies.yaml.`;
  return yamlFile(comment, {
    apiVersion: 1,
    policies: [
      {
        orgId: 1,
        receiver: "grafana-default-email",
        group_by: ["grafana_folder", "alertname"],
        routes: [
          {
            receiver: "bandwidth",
            object_matchers: [
              ["source", "=", "otel-bandwidth"],
              ["severity", "=~", "warning|critical"],
            ],
            group_by: ["alertname", "service", "meeting_id"],
            group_wait: "30s",
            group_interval: "5m",
            repeat_interval: "4h",
          },
        ],
      },
    ],
  });
}
