/**
 * Reads Prometheus text, by its specification and with no code of the exporter that wrote it: what it does not know it refuses.
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-details
 */

/** A sample: one line. */
export interface PrometheusSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A text. */
export interface PrometheusText {
  readonly samples: readonly PrometheusSample[];
  /** By the name of a metric family. */
  readonly types: ReadonlyMap<string, string>;
  readonly help: ReadonlyMap<string, string>;
}

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? ([^ ]+)( -?\\d+)?$`);
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)/y;

/** Parses a text. Throws on a line that is none of the format, on a second TYPE, and on a sample that comes twice. */
export function parsePrometheusText(text: string): PrometheusText {
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  const [types, help] = [new Map<string, string>(), new Map<string, string>()];
  const samples: PrometheusSample[] = [];
  const seen = new Set<string>();
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const comment = new RegExp(`^# (TYPE|HELP) (${NAME}) (.*)$`).exec(line);
    if (comment) {
      const target = comment[1] === "TYPE" ? types : help;
      if (target.has(comment[2]!)) throw new Error(`twice: ${line}`);
      target.set(comment[2]!, comment[3]!);
    } else if (!line.startsWith("#")) {
      const sample = parseSample(line);
      const key = JSON.stringify([sample.name, ...Object.entries(sample.labels).map(String).toSorted()]);
      if (seen.has(key)) throw new Error(`twice: ${line}`);
      seen.add(key);
      samples.push(sample);
    }
  }
  return { samples, types, help };
}

function parseSample(line: string): PrometheusSample {
  const match = SAMPLE.exec(line);
  if (match === null) throw new Error(`no sample: ${line}`);
  const [, name = "", labels = "", value = ""] = match;
  return { name, labels: parseLabels(labels, line), value: parseValue(value, line) };
}

function parseLabels(text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  let at = 0;
  while (at < text.length) {
    const match = LABEL.exec(text);
    if (match === null) throw new Error(`no labels: ${line}`);
    const [, label = "", value = ""] = match;
    if (label in labels) throw new Error(`a label twice: ${line}`);
    labels[label] = value.replaceAll(/\\(.)/g, (_, char: string) => (char === "n" ? "\n" : char));
    at = LABEL.lastIndex;
  }
  return labels;
}

function parseValue(text: string, line: string): number {
  const special: Readonly<Record<string, number>> = { "+Inf": Infinity, "-Inf": -Infinity, NaN: Number.NaN };
  const value = special[text] ?? Number(text);
  if (Number.isNaN(value) && text !== "NaN") throw new Error(`no value: ${line}`);
  return value;
}

/** The value of the one sample with this name that has these labels among its own; `undefined` without one. Throws on several. */
export function sampleOf(
  { samples }: PrometheusText,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const found = samples.filter(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  );
  if (found.length > 1) throw new Error(`${found.length} samples of ${name} ${JSON.stringify(labels)}`);
  return found[0]?.value;
}
