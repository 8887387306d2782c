/** A dashboard out of its panels: rows from top to bottom, variables, links to the other ones, as JSON that Grafana loads. */
import {
  DashboardBuilder,
  DashboardCursorSync,
  QueryVariableBuilder,
  RowBuilder,
  VariableHide,
  VariableRefresh,
  type VariableModel,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { TAG, type DashboardName } from "../names.ts";
import { DATASOURCE } from "../panels/mysql-query.ts";
import { navigation, type SizedPanel } from "../panels/panel.ts";
import type { Variable } from "../sql/variables.ts";

/** The format of dashboards that Grafana 9.4 writes; every later one brings it up to its own. */
const SCHEMA_VERSION = 37;

const GRID_WIDTH = 24;

/** Panels below a heading; they flow from left to right. */
export interface Row {
  /** None for what stands at the top. */
  readonly title?: string;
  readonly panels: readonly SizedPanel[];
}

/** What a dashboard is made of. */
export interface DashboardParts {
  readonly name: DashboardName;
  readonly description: string;
  readonly variables: readonly Variable[];
  readonly rows: readonly Row[];
}

/** Ids of headings: beyond those of panels. */
const FIRST_ROW_ID = 1001;

/** The JSON of a dashboard. Throws when a row of panels does not fill the grid's width. */
export function dashboardJson({ name, description, variables, rows }: DashboardParts): string {
  const builder = new DashboardBuilder(name.title)
    .uid(name.uid)
    .description(description)
    .tags([TAG])
    .timezone("browser")
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from: "now-1h", to: "now" })
    .refresh("1m")
    .links(navigation(name))
    .editable();
  for (const variable of variables) builder.withVariable({ build: () => variableModel(variable) });
  let y = 0;
  for (const [index, row] of rows.entries()) {
    if (row.title !== undefined) {
      builder.withRow(new RowBuilder(row.title).id(FIRST_ROW_ID + index).gridPos({ x: 0, y, w: GRID_WIDTH, h: 1 }));
      y += 1;
    }
    y = place(builder, row, y);
  }
  const built = builder.build();
  const templating = { list: built.templating?.list ?? [] };
  const dashboard = {
    ...built,
    id: null,
    schemaVersion: SCHEMA_VERSION,
    version: 1,
    templating,
    annotations: { list: [] },
  };
  return `${JSON.stringify(dashboard, undefined, 2)}\n`;
}

function place(builder: DashboardBuilder, row: Row, top: number): number {
  let x = 0;
  let y = top;
  let height = 0;
  for (const { panel, width, height: panelHeight } of row.panels) {
    panel.gridPos({ x, y, w: width, h: panelHeight });
    builder.withPanel(panel);
    x += width;
    height = Math.max(height, panelHeight);
    if (x > GRID_WIDTH) throw new Error(`panels in ${JSON.stringify(row.title)} are wider than the grid`);
    if (x < GRID_WIDTH) continue;
    x = 0;
    y += height;
    height = 0;
  }
  if (x !== 0) throw new Error(`panels in ${JSON.stringify(row.title)} leave ${GRID_WIDTH - x} columns empty`);
  return y;
}

function variableModel(variable: Variable): VariableModel {
  const { name, label, description, sql, allValue, initial } = variable;
  const builder = new QueryVariableBuilder(name)
    .label(label)
    .description(description)
    .datasource(DATASOURCE)
    .query(sql)
    .refresh(VariableRefresh.OnTimeRangeChanged);
  if (initial !== undefined) {
    builder.hide(VariableHide.HideVariable).current({ text: initial, value: initial, selected: true });
    return { ...builder.build(), skipUrlSync: true };
  }
  builder
    .multi(true)
    .includeAll(true)
    .current({ text: ["All"], value: ["$__all"], selected: true });
  if (allValue !== undefined) builder.allValue(allValue);
  return builder.build();
}
