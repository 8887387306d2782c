/** Panels without a query of ours: the alerts that Grafana itself evaluates, and text. */
import { PanelBuilder as AnyPanelBuilder } from "@grafana/grafana-foundation-sdk/dashboard";
import { PanelBuilder as TextPanelBuilder, TextMode } from "@grafana/grafana-foundation-sdk/text";
import type { SizedPanel } from "./panel.ts";

interface OwnPanelOptions {
  readonly id: number;
  readonly title: string;
  readonly description: string;
  readonly width: number;
  readonly height: number;
}

/** The instances of Grafana's own rules that are pending or firing. */
export function alertListPanel({ id, title, description, width, height }: OwnPanelOptions): SizedPanel {
  const builder = new AnyPanelBuilder()
    .type("alertlist")
    .id(id)
    .title(title)
    .description(description)
    .options({
      viewMode: "list",
      groupMode: "default",
      groupBy: [],
      maxItems: 20,
      sortOrder: 3,
      dashboardAlerts: false,
      alertName: "",
      alertInstanceLabelFilter: '{source="otel-bandwidth"}',
      showInstances: false,
      datasource: "-- Grafana --",
      stateFilter: { firing: true, pending: true, noData: true, normal: false, error: true },
    });
  return { panel: builder, width, height };
}

/** Words, in Markdown. */
export function textPanel({ id, title, description, width, height }: OwnPanelOptions, markdown: string): SizedPanel {
  const builder = new TextPanelBuilder()
    .id(id)
    .title(title)
    .description(description)
    .mode(TextMode.Markdown)
    .content(markdown);
  return { panel: builder, width, height };
}
