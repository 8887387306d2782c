/** Panels that show how something is spread, over time. */
import { AxisPlacement } from "@grafana/grafana-foundation-sdk/common";
import { HeatmapColorMode, HeatmapColorScale, PanelBuilder } from "@grafana/grafana-foundation-sdk/heatmap";
import { common, type PanelOptions, type SizedPanel } from "./panel.ts";

/** What is shown: the query's columns are the rows of the heatmap, the lowest first. */
export interface HeatmapOptions extends PanelOptions {
  readonly unit: string;
  readonly width: number;
  readonly height?: number;
}

/** A heatmap of counts that the query has put in buckets. */
export function heatmapPanel(options: HeatmapOptions): SizedPanel {
  const builder = common(new PanelBuilder(), options, "time_series")
    .calculate(false)
    .color({
      build: () => ({
        mode: HeatmapColorMode.Scheme,
        scheme: "Oranges",
        scale: HeatmapColorScale.Exponential,
        exponent: 0.5,
        steps: 64,
        reverse: false,
        fill: "dark-orange",
      }),
    })
    .cellGap(1)
    .filterValues({ build: () => ({ le: 1e-9 }) })
    .cellValues({ build: () => ({ unit: options.unit }) })
    .yAxis({ build: () => ({ axisPlacement: AxisPlacement.Left, unit: "none", reverse: false }) })
    .rowsFrame({ build: () => ({ layout: "auto", value: "Round trips" }) as never })
    .showLegend()
    .unit(options.unit);
  return { panel: builder, width: options.width, height: options.height ?? 8 };
}
