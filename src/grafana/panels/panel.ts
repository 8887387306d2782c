/** What every panel has: its place, its words, its query. */
import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { GridPos, Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import {
  DashboardLinkBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DASHBOARDS, type DashboardName } from "../names.ts";
import { DATASOURCE, mysqlQuery, type QueryFormat } from "./mysql-query.ts";

/** What is the same for every kind of panel. */
export interface PanelOptions {
  /** Never changed and never given again: links and rules name it. */
  readonly id: number;
  readonly title: string;
  readonly description: string;
  readonly sql: string;
  /** The dashboard that a click leads to, time and variables kept. */
  readonly leadsTo?: DashboardName;
}

/** A panel with its size on the grid of 24 columns. */
export interface SizedPanel {
  readonly panel: Builder<Panel> & { gridPos(position: GridPos): unknown };
  readonly width: number;
  readonly height: number;
}

/** The methods that the builders of all kinds of panels share. */
interface CommonBuilder extends Builder<Panel> {
  id(id: number): this;
  title(title: string): this;
  description(description: string): this;
  datasource(datasource: typeof DATASOURCE): this;
  withTarget(target: ReturnType<typeof mysqlQuery>): this;
  links(links: Builder<ReturnType<DashboardLinkBuilder["build"]>>[]): this;
}

/** Gives a panel what every panel has, and returns it. */
export function common<B extends CommonBuilder>(builder: B, options: PanelOptions, format: QueryFormat): B {
  builder.id(options.id).title(options.title).description(options.description).datasource(DATASOURCE);
  builder.withTarget(mysqlQuery("A", format, options.sql));
  if (options.leadsTo !== undefined) builder.links([linkTo(options.leadsTo)]);
  return builder;
}

/** Steps of colour, each from its value on. */
export function steps(...all: readonly (readonly [value: number | null, color: string])[]): ThresholdsConfigBuilder {
  return new ThresholdsConfigBuilder()
    .mode(ThresholdsMode.Absolute)
    .steps(all.map(([value, color]) => ({ value, color })));
}

/** A link to a dashboard of ours that keeps the time range and the variables. */
export function linkTo(target: DashboardName): DashboardLinkBuilder {
  return new DashboardLinkBuilder(`Open ${target.title}`).url(dashboardPath(target));
}

/** The address of a dashboard with the time range and the variables of this one. */
export function dashboardPath(target: DashboardName): string {
  return `/d/${target.uid}?\${__url_time_range}&\${__all_variables}`;
}

/** The links at the top of a dashboard: to the other ones. */
export function navigation(from: DashboardName): DashboardLinkBuilder[] {
  return Object.values(DASHBOARDS)
    .filter((target) => target !== from)
    .map((target) =>
      new DashboardLinkBuilder(target.title.replace("Bandwidth: ", ""))
        .url(`/d/${target.uid}`)
        .icon("dashboard")
        .tooltip(`${target.title}, same time range and variables`)
        .keepTime(true)
        .includeVars(true),
    );
}
