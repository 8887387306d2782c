/** Panels that answer with one number. */
import {
  BigValueColorMode,
  BigValueGraphMode,
  BigValueJustifyMode,
  BigValueTextMode,
} from "@grafana/grafana-foundation-sdk/common";
import {
  MappingType,
  type SpecialValueMap,
  SpecialValueMatch,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { PanelBuilder } from "@grafana/grafana-foundation-sdk/stat";
import type { Threshold } from "../threshold.ts";
import { mysqlQuery } from "./mysql-query.ts";
import { common, type PanelOptions, type SizedPanel, steps } from "./panel.ts";

/** What is shown: its query always has one row, with NULL where there is nothing to say. */
export interface StatOptions extends PanelOptions {
  readonly unit: string;
  readonly width: number;
  readonly decimals?: number;
  /** What stands there when there is nothing to say. */
  readonly noValue?: string;
  /** Above it the number is red. It is read from SQL when the panel is, so that it is the one that fires. */
  readonly threshold?: Threshold;
  /** Colours from values on, where no alert rule judges. */
  readonly colors?: readonly (readonly [value: number | null, color: string])[];
}

/** A number on a quiet background; coloured only where a rule or a colour judges it. */
export function statPanel(options: StatOptions): SizedPanel {
  const nothing = options.noValue ?? "–";
  const builder = common(new PanelBuilder(), options, "table")
    .unit(options.unit)
    .noValue(nothing)
    .mappings([withoutJudgement(nothing)])
    .colorMode(BigValueColorMode.Value)
    .graphMode(BigValueGraphMode.None)
    .justifyMode(BigValueJustifyMode.Center)
    .textMode(BigValueTextMode.Value)
    .reduceOptions({ build: () => ({ calcs: ["lastNotNull"], fields: "", values: false }) });
  if (options.threshold === undefined) builder.thresholds(steps(...(options.colors ?? [[null, "text"]])));
  else judge(builder, options.threshold);
  if (options.decimals !== undefined) builder.decimals(options.decimals);
  return { panel: builder, width: options.width, height: 4 };
}

// Else what has no value would be as green as what is fine.
function withoutJudgement(text: string): SpecialValueMap {
  const result = { text, color: "text", index: 0 };
  return { type: MappingType.SpecialValue, options: { match: SpecialValueMatch.NullAndNan, result } };
}

// The second query's field becomes the threshold; the one of the file stands in until it has answered.
function judge(builder: PanelBuilder, threshold: Threshold): void {
  builder.withTarget(mysqlQuery("threshold", "table", `SELECT ${threshold.expression} AS threshold`));
  builder.withTransformation({
    id: "configFromData",
    options: { configRefId: "threshold", mappings: [{ fieldName: "threshold", handlerKey: "threshold1" }] },
  });
  builder.thresholds(steps([null, "green"], [threshold.fallback, "red"]));
}
