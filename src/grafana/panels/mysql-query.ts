/** A query of the totals as Grafana's MySQL data source takes it: SQL as it is, without the query builder's state. */
import type { Builder, Dataquery } from "@grafana/grafana-foundation-sdk/cog";
import { DATASOURCE_UID } from "../names.ts";

/** How rows become frames: `time_series` has a column `time` and one a line, `table` is taken as it is. */
export type QueryFormat = "time_series" | "table";

/** The data source of every panel and variable. */
export const DATASOURCE: { readonly type: "mysql"; readonly uid: string } = { type: "mysql", uid: DATASOURCE_UID };

/** A query of a panel. */
export function mysqlQuery(refId: string, format: QueryFormat, sql: string): Builder<Dataquery> {
  const query = { refId, datasource: DATASOURCE, format, rawQuery: true, editorMode: "code", rawSql: sql };
  return { build: () => query as unknown as Dataquery };
}
