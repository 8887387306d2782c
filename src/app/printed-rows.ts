/**
 * Rows of text that a command prints: as CSV for a spreadsheet, or as a table for a person.
 */
import { ERASED_PARTICIPANT } from "../model/erased-participant.ts";

/** CSV (RFC 4180); the first row names the columns. */
export function csvText(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => `${row.map(csvField).join(",")}\r\n`).join("");
}

/** What spreadsheets take for the beginning of a formula, also in full-width forms and behind white space. */
const FORMULA = /^[\s\p{Cc}]*[=+\-@＝＋－＠]|^[\t\r\n]/u;

function csvField(text: string): string {
  // An id is foreign text: with an apostrophe before it, it stays text.
  const harmless = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n']/.test(harmless) || harmless !== harmless.trim() ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/** A table: the first row is its heading, the last its total; the first column is text, the others are numbers. */
export function tableText(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, at) => rows.reduce((width, row) => Math.max(width, row[at]!.length), 0));
  const texts = rows.map((row) =>
    row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join("  "),
  );
  const rule = widths.map((width) => "-".repeat(width)).join("  ");
  const [heading, ...rest] = texts;
  const body = [heading!, rule, ...rest.slice(0, -1), rule, rest.at(-1)!];
  return `${body.join("\n")}\n`;
}

/** What a row is about, from the texts that are stored of it. */
export function printedKeys(keys: readonly string[]): string {
  const text = keys
    .filter((key) => key !== "")
    .map((key) => (key === ERASED_PARTICIPANT ? "(erased persons)" : key))
    .join(" / ");
  // A terminal must not be told what to do by an id.
  return text === "" ? "(none)" : text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "?");
}
