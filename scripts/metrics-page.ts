/** Writes `docs/metrics.md` from the model's one table of metrics. */
import { METRICS } from "../src/model/metric-names.ts";
import { RECEIVER_METRICS } from "../src/telemetry/receiver-metrics.ts";
import { markdownTable } from "./markdown-table.ts";

const HEADINGS = ["metric", "instrument", "unit", "attributes", "meaning"];

interface Row {
  readonly name: string;
  readonly instrument: string;
  readonly unit: string;
  readonly attributes: string;
  readonly meaning: string;
}

function rowOf({ name, instrument, unit, attributes, meaning }: Row): string[] {
  return [`\`${name}\``, instrument, `\`${unit}\``, attributes, meaning];
}

/** The text of the page. */
export function metricsPage(): string {
  const rows = METRICS.map(rowOf);
  const own = RECEIVER_METRICS.map(rowOf);
  return `# Metrics

Every metric that this project makes, accepts and stores. Units are UCUM. Metrics with other names are counted as ignored
and change no total. This page is generated: \`npm run docs\`.

${markdownTable(HEADINGS, rows)}

## The receiver's own

What a receiver tells of itself, in the scope \`otel-bandwidth/receiver\`: as Prometheus text at \`GET /metrics\` on \`BRIDGE_PORT\` (off
loopback with an admin's bearer token), where dots are underscores and counters end in \`_total\`, and over OTLP when
\`OTEL_METRICS_EXPORTER=otlp\`, \`OTEL_EXPORTER_OTLP_ENDPOINT\` or \`OTEL_EXPORTER_OTLP_METRICS_ENDPOINT\` asks for it. A shard is told of by
the receiver that owns it. They are in no total: a receiver that gets them ignores them.

${markdownTable(HEADINGS, own)}
`;
}
