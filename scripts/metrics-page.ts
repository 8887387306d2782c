/** Writes `docs/metrics.md` from the model's one table of metrics. */
import { METRICS } from "../src/model/metric-names.ts";
import { markdownTable } from "./markdown-table.ts";

/** The text of the page. */
export function metricsPage(): string {
  const rows = METRICS.map((metric) => [
    `\`${metric.name}\``,
    metric.instrument,
    `\`${metric.unit}\``,
    metric.attributes,
    metric.meaning,
  ]);
  return `# Metrics

Every metric that this project makes, accepts and stores. Units are UCUM. Metrics with other names are counted as ignored
and change no total. This page is generated: \`npm run docs\`.

${markdownTable(["metric", "instrument", "unit", "attributes", "meaning"], rows)}
`;
}
