/** Panels that answer with one number. */
import {
  BigValueColorMode,
  BigValueGraphMode,
  BigValueJustifyMode,
  BigValueTextMode,
} from "@grafana/grafana-foundation-sdk/common";
import { PanelBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { common, type PanelOptions, type SizedPanel, steps } from "./panel.ts";

/** What is shown: its query has one row. */
export interface StatOptions extends PanelOptions {
  readonly unit: string;
  readonly width: number;
  readonly decimals?: number;
  /** What stands there when there is nothing to say. */
  readonly noValue?: string;
  /** Colours from values on, where no alert rule judges. */
  readonly colors?: readonly (readonly [value: number | null, color: string])[];
}

/** A number on a quiet background; coloured only where a rule or a colour judges it. */
export function statPanel(options: StatOptions): SizedPanel {
  const builder = common(new PanelBuilder(), options, "table")
    .unit(options.unit)
    .noValue(options.noValue ?? "–")
    .colorMode(BigValueColorMode.Value)
    .graphMode(BigValueGraphMode.None)
    .justifyMode(BigValueJustifyMode.Center)
    .textMode(BigValueTextMode.Value)
    .reduceOptions({ build: () => ({ calcs: ["lastNotNull"], fields: "", values: false }) });
  if (options.threshold === undefined) builder.thresholds(steps(...(options.colors ?? [[null, "text"]])));
  if (options.decimals !== undefined) builder.decimals(options.decimals);
  return { panel: builder, width: options.width, height: 4 };
}
