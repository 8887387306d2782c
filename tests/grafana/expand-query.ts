/**
 * What Grafana does to a query before it is run, written from its documentation: the browser puts variables in, the server expands
 * the macros of the MySQL data source.
 */

/** A time range, epoch seconds. */
export interface TimeRange {
  readonly from: number;
  readonly to: number;
}

/** A variable as a dashboard declares it, and what is chosen. */
export interface VariableValue {
  readonly multi: boolean;
  readonly allValue: string | undefined;
  /** `$__all`, chosen values, or the value of a variable that has one. */
  readonly value: string | readonly string[];
}

/** Puts the values of variables into a text: `$name`, `${name}`. Throws on a variable that is not given. */
export function interpolate(text: string, variables: ReadonlyMap<string, VariableValue>): string {
  return text.replaceAll(/\$(\w+)|\$\{(\w+)(?::\w+)?\}/g, (whole, plain?: string, braced?: string) => {
    const name = plain ?? braced!;
    if (name.startsWith("__")) return whole;
    const variable = variables.get(name);
    if (variable === undefined) throw new Error(`there is no variable ${name} in: ${text}`);
    return valueText(variable);
  });
}

function valueText({ multi, allValue, value }: VariableValue): string {
  const quote = (single: string): string => `'${single.replaceAll("'", "''")}'`;
  if (typeof value !== "string") {
    if (value.includes("$__all") && allValue !== undefined) return allValue;
    return value.map(quote).join(",");
  }
  return multi ? quote(value) : value.replaceAll("'", "''");
}

/** Expands the macros. Throws on one that is unknown, as the data source does. */
export function expandMacros(sql: string, { from, to }: TimeRange): string {
  return sql.replaceAll(/\$(__\w+)\(([^)]*)\)/g, (_, name: string, list: string) => {
    const args = list.split(",").map((arg) => arg.trim());
    const group = (): string => `${args[0]} DIV ${seconds(args[1])} * ${seconds(args[1])}`;
    switch (name) {
      case "__unixEpochFrom":
        return String(from);
      case "__unixEpochTo":
        return String(to);
      case "__unixEpochFilter":
        return `${args[0]} >= ${from} AND ${args[0]} <= ${to}`;
      case "__unixEpochGroup":
        return group();
      case "__unixEpochGroupAlias":
        return `${group()} AS "time"`;
      default:
        throw new Error(`unknown macro ${name}`);
    }
  });
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

function seconds(interval: string | undefined): number {
  const match = /^'?(\d+)([smhd])'?$/.exec(interval ?? "");
  if (match === null) throw new Error(`not an interval: ${interval}`);
  return Number(match[1]) * UNITS[match[2]!]!;
}
