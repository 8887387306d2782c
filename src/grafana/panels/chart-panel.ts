/** Panels that show how something goes over time. */
import {
  AxisColorMode,
  GraphDrawStyle,
  LegendDisplayMode,
  LegendPlacement,
  LineInterpolation,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from "@grafana/grafana-foundation-sdk/common";
import { PanelBuilder } from "@grafana/grafana-foundation-sdk/timeseries";
import { THRESHOLD_LINE } from "../sql/steps.ts";
import type { Threshold } from "../threshold.ts";
import { common, type PanelOptions, type SizedPanel, steps } from "./panel.ts";

/** How a line looks: a colour that means the same everywhere. */
export interface LineLook {
  readonly color: string;
  /** Below the axis, as what is sent in a chart of traffic. */
  readonly below?: boolean;
}

/** What is shown: the query's columns are the lines. */
export interface ChartOptions extends PanelOptions {
  readonly unit: string;
  readonly width: number;
  readonly height?: number;
  readonly lines: Readonly<Record<string, LineLook>>;
  readonly style?: "line" | "bars";
  /** One on another: as they are, or as shares of the whole. */
  readonly stacking?: "normal" | "percent";
  /** Of the query's line {@link THRESHOLD_LINE}. */
  readonly threshold?: Threshold;
  readonly decimals?: number;
  /** The figures of the legend's table. */
  readonly figures?: readonly ("min" | "mean" | "max" | "lastNotNull" | "sum")[];
}

/** Of a step's width: narrow bars of a long range would be pale. */
const BAR_WIDTH = 0.9;

/** A dashed line, whatever the others are. */
const THRESHOLD_LOOK = [
  { id: "color", value: { mode: "fixed", fixedColor: "red" } },
  { id: "custom.drawStyle", value: "line" },
  { id: "custom.lineWidth", value: 2 },
  { id: "custom.lineStyle", value: { fill: "dash", dash: [10, 10] } },
  { id: "custom.fillOpacity", value: 0 },
  { id: "custom.showPoints", value: "never" },
  { id: "custom.spanNulls", value: true },
];

/** A chart with a legend of figures below it, gaps where nothing was, and the alert threshold as a dashed line. */
export function chartPanel(options: ChartOptions): SizedPanel {
  const bars = options.style === "bars";
  const stacked = options.stacking !== undefined;
  const builder = common(new PanelBuilder(), options, "time_series")
    .unit(options.unit)
    .noValue("No data")
    .drawStyle(bars ? GraphDrawStyle.Bars : GraphDrawStyle.Line)
    .lineInterpolation(LineInterpolation.Linear)
    .lineWidth(bars ? 0 : stacked ? 1 : 2)
    .fillOpacity(bars ? 90 : stacked ? 70 : 10)
    .barWidthFactor(BAR_WIDTH)
    .showPoints(VisibilityMode.Auto)
    .pointSize(4)
    .spanNulls(false)
    .axisColorMode(AxisColorMode.Text)
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(options.figures ? LegendDisplayMode.Table : LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .showLegend(true)
        .calcs([...(options.figures ?? [])]),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.None));
  if (!Object.values(options.lines).some(({ below }) => below)) builder.min(0);
  if (options.threshold !== undefined) builder.thresholds(steps([null, "green"], [options.threshold.fallback, "red"]));
  if (options.decimals !== undefined) builder.decimals(options.decimals);
  if (options.stacking !== undefined) {
    const mode = options.stacking === "percent" ? StackingMode.Percent : StackingMode.Normal;
    builder.stacking(new StackingConfigBuilder().mode(mode).group("A"));
  }
  for (const [name, { color, below }] of Object.entries(options.lines)) {
    const properties: { id: string; value: unknown }[] = [{ id: "color", value: { mode: "fixed", fixedColor: color } }];
    if (below) properties.push({ id: "custom.transform", value: "negative-Y" });
    builder.overrideByName(name, properties);
  }
  if (options.threshold !== undefined) builder.overrideByName(THRESHOLD_LINE, THRESHOLD_LOOK);
  return { panel: builder, width: options.width, height: options.height ?? 8 };
}
