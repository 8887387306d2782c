/** Panels that list: endpoints, meetings, alerts. */
import { PanelBuilder } from "@grafana/grafana-foundation-sdk/table";
import { common, type PanelOptions, type SizedPanel } from "./panel.ts";

/** How a column is shown. */
export interface Column {
  readonly unit: string;
  readonly decimals?: number;
  readonly width?: number;
  /** Where a click on a value leads; `\${__data.fields.…}` is a value of the row. */
  readonly link?: { readonly title: string; readonly url: string };
  /** Colours from values on. */
  readonly colors?: readonly (readonly [value: number, color: string])[];
  /** Words and colours of single values. */
  readonly words?: Readonly<Record<string, { readonly text: string; readonly color: string }>>;
}

/** What is shown: the query's columns, in its order. */
export interface TableOptions extends PanelOptions {
  readonly width: number;
  readonly height: number;
  readonly columns: Readonly<Record<string, Column>>;
  readonly sortBy?: { readonly column: string; readonly descending: boolean };
  readonly noValue?: string;
}

/** A table; every column has its unit. */
export function tablePanel(options: TableOptions): SizedPanel {
  const builder = common(new PanelBuilder(), options, "table")
    .noValue(options.noValue ?? "–")
    .showHeader(true);
  if (options.sortBy !== undefined) {
    const { column, descending } = options.sortBy;
    builder.sortBy([{ build: () => ({ displayName: column, desc: descending }) }]);
  }
  for (const [name, column] of Object.entries(options.columns)) {
    builder.overrideByName(name, [...properties(column)]);
  }
  return { panel: builder, width: options.width, height: options.height };
}

function* properties(column: Column): Generator<{ id: string; value: unknown }> {
  yield { id: "unit", value: column.unit };
  // Else a cell without a value would say what an empty table says.
  yield { id: "noValue", value: "–" };
  if (column.decimals !== undefined) yield { id: "decimals", value: column.decimals };
  if (column.width !== undefined) yield { id: "custom.width", value: column.width };
  if (column.link !== undefined) yield { id: "links", value: [column.link] };
  if (column.colors !== undefined) {
    const steps = [{ value: null, color: "text" }, ...column.colors.map(([value, color]) => ({ value, color }))];
    yield { id: "thresholds", value: { mode: "absolute", steps } };
    yield { id: "custom.displayMode", value: "color-text" };
  }
  if (column.words !== undefined) {
    const options = Object.fromEntries(
      Object.entries(column.words).map(([value, { text, color }], index) => [value, { text, color, index }]),
    );
    yield { id: "mappings", value: [{ type: "value", options }] };
    yield { id: "custom.displayMode", value: "color-text" };
  }
}
