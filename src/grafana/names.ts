/**
 * The names that users, links and rules rely on: uids, titles and files of what is written for Grafana. They are settled: a saved
 * link or a notification that was sent goes on working.
 */
import { GENERATED_COLUMNS, ROLLUP_COLUMNS } from "../model/rollup-columns.ts";

/** The uid of the only data source that panels, variables and rules read. */
export const DATASOURCE_UID = "bandwidth-mysql";

/** The folder of dashboards and rules. */
export const FOLDER = "Bandwidth";

/** What every dashboard is tagged with: the links between them follow it. */
export const TAG = "otel-bandwidth";

/** A dashboard's uid and title, and the file it is written to. */
export interface DashboardName {
  readonly uid: string;
  readonly title: string;
  readonly file: string;
}

const dashboard = (name: string, title: string): DashboardName => ({
  uid: `bandwidth-${name}`,
  title,
  file: `dashboards/bandwidth-${name}.json`,
});

/** The four dashboards, in the order of their links. */
export const DASHBOARDS: Readonly<Record<"overview" | "http" | "webrtc" | "alerts", DashboardName>> = {
  overview: dashboard("overview", "Bandwidth: Overview"),
  http: dashboard("http", "Bandwidth: HTTP"),
  webrtc: dashboard("webrtc", "Bandwidth: WebRTC and TURN cost"),
  alerts: dashboard("alerts", "Bandwidth: Alerts"),
};

const COLUMNS: ReadonlySet<string> = new Set([...ROLLUP_COLUMNS, ...GENERATED_COLUMNS].map(({ name }) => name));

/** `SUM` of a column of the rollup tables. Throws on a name that is not in their table. */
export function sumOf(column: string): string {
  if (!COLUMNS.has(column)) throw new Error(`no rollup column is named ${column}`);
  return `SUM(${column})`;
}
