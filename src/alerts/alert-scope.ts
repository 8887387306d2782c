/**
 * Who an alert is about, as text: `service=cart environment=production`. The same scope is always the same text.
 */
import { createHash } from "node:crypto";

/** The scope of a rule that has only one. */
export const WHOLE_SCOPE = "all";

/** The width of `bandwidth_alerts.scope`, characters. */
const MAX_SCOPE_LENGTH = 512;

const PLAIN = /^[^\s"=]+$/;

/** The text of a scope: its columns that are not empty, with their values; values that could be misread are quoted. */
export function scopeText(columns: readonly string[], values: readonly string[]): string {
  if (columns.length === 0) return WHOLE_SCOPE;
  const pairs = columns.map((column, position) => [column, values[position] ?? ""] as const);
  const named = pairs.filter(([, value]) => value !== "");
  const text = (named.length > 0 ? named : pairs)
    .map(([column, value]) => `${column}=${PLAIN.test(value) ? value : JSON.stringify(value)}`)
    .join(" ");
  return text.length <= MAX_SCOPE_LENGTH ? text : shortened(text);
}

/** Long texts that begin alike stay apart. */
function shortened(text: string): string {
  const digest = createHash("sha256").update(text).digest("hex").slice(0, 16);
  return `${text.slice(0, MAX_SCOPE_LENGTH - digest.length - 1).toWellFormed()}#${digest}`;
}
