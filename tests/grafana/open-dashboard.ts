/** A dashboard as a person opens it: variables are asked in their order, then the panels' queries are run, on a real database. */
import { type Connection, createConnection } from "mysql2/promise";
import { expandMacros, interpolate, type TimeRange, type VariableValue } from "./expand-query.ts";

/** A query of a panel. */
export interface TargetJson {
  readonly refId: string;
  readonly rawSql: string;
  readonly format: "time_series" | "table";
  readonly datasource: { readonly type: string; readonly uid: string };
}

/** A panel of a dashboard's JSON, as far as tests read it. */
export interface PanelJson {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: { readonly type: string; readonly uid: string };
  readonly targets?: readonly TargetJson[];
  readonly links?: readonly { readonly url: string }[];
  readonly options?: Readonly<Record<string, unknown>>;
  readonly fieldConfig?: {
    readonly defaults: {
      readonly unit?: string;
      readonly thresholds?: { readonly steps: readonly { readonly value: number | null }[] };
    };
    readonly overrides: readonly {
      readonly matcher: { readonly id: string; readonly options: string };
      readonly properties: readonly { readonly id: string; readonly value: unknown }[];
    }[];
  };
}

/** A variable of a dashboard's JSON. */
export interface VariableJson {
  readonly name: string;
  readonly query: string;
  readonly multi: boolean;
  readonly includeAll: boolean;
  readonly allValue?: string;
  readonly skipUrlSync: boolean;
  readonly hide?: number;
  readonly refresh: number;
  readonly datasource: { readonly type: string; readonly uid: string };
}

/** A dashboard's JSON, as far as tests read it. */
export interface DashboardJson {
  readonly uid: string;
  readonly title: string;
  readonly schemaVersion: number;
  readonly panels: readonly PanelJson[];
  readonly templating?: { readonly list: readonly VariableJson[] };
  readonly links: readonly { readonly url: string; readonly keepTime: boolean; readonly includeVars: boolean }[];
}

/** A row of an answer. */
export type Row = Readonly<Record<string, unknown>>;

/** What was chosen of variables that people choose; those left out stand at All. */
export type Choices = Readonly<Record<string, readonly string[]>>;

/** A connection as Grafana's: UTC. `nowSeconds` is what the database takes for now on it. */
export async function connectAsGrafana(url: string, nowSeconds?: number): Promise<Connection> {
  const connection = await createConnection({ uri: url, decimalNumbers: true, supportBigNumbers: true });
  await connection.query("SET time_zone = '+00:00'");
  if (nowSeconds !== undefined) await connection.query(`SET timestamp = ${nowSeconds}`);
  return connection;
}

/** A dashboard opened over a time range. */
export class OpenDashboard {
  readonly variables: ReadonlyMap<string, VariableValue>;
  readonly #dashboard: DashboardJson;
  readonly #connection: Connection;
  readonly #range: TimeRange;

  private constructor(
    dashboard: DashboardJson,
    connection: Connection,
    range: TimeRange,
    variables: ReadonlyMap<string, VariableValue>,
  ) {
    this.#dashboard = dashboard;
    this.#connection = connection;
    this.#range = range;
    this.variables = variables;
  }

  /** Asks the variables; rejects with what the database says of a query that it refuses. */
  static async open(
    dashboard: DashboardJson,
    connection: Connection,
    range: TimeRange,
    choices: Choices = {},
  ): Promise<OpenDashboard> {
    const variables = new Map<string, VariableValue>();
    for (const variable of dashboard.templating?.list ?? []) {
      const sql = expandMacros(interpolate(variable.query, variables), range);
      const rows = await queryRows(connection, sql);
      const { multi, allValue } = variable;
      const value = multi ? (choices[variable.name] ?? ["$__all"]) : String(Object.values(rows[0] ?? {})[0]);
      variables.set(variable.name, { multi, allValue, value });
    }
    return new OpenDashboard(dashboard, connection, range, variables);
  }

  /** The value of a variable that has one. */
  value(name: string): string {
    return String(this.variables.get(name)?.value);
  }

  /** The SQL of a query as the database gets it. */
  sql(target: TargetJson): string {
    return expandMacros(interpolate(target.rawSql, this.variables), this.#range);
  }

  /** The rows of the first query of the panel with this title. */
  async rows(title: string): Promise<readonly Row[]> {
    const panel = this.#dashboard.panels.find((candidate) => candidate.title === title && candidate.targets);
    if (panel === undefined) throw new Error(`${this.#dashboard.uid} has no panel ${title}`);
    return await queryRows(this.#connection, this.sql(panel.targets![0]!));
  }

  /** The only value of the only row of a panel. */
  async number(title: string): Promise<number | null> {
    const rows = await this.rows(title);
    if (rows.length !== 1) throw new Error(`${title} has ${rows.length} rows`);
    const [value] = Object.values(rows[0]!);
    return value === null ? null : Number(value);
  }
}

/** The rows of a statement. */
export async function queryRows(connection: Connection, sql: string): Promise<readonly Row[]> {
  try {
    const [rows] = await connection.query(sql);
    return rows as Row[];
  } catch (error) {
    throw new Error(`${String(error)} in:\n${sql}`, { cause: error });
  }
}
