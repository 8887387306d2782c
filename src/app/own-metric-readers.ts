/**
 * Wiring: how the receiver's own metrics are exported, when the OpenTelemetry settings of the process ask for it.
 */
import { type IMetricReader, type PushMetricExporter } from "@opentelemetry/sdk-metrics";
import { ReportingExporter } from "./reporting-exporter.ts";
import { metricReader } from "./telemetry-reader.ts";

/** The environment, as `process.env` has it. */
type Environment = Readonly<Record<string, string | undefined>>;

/** The default of the OpenTelemetry specification. */
const EXPORT_INTERVAL_MILLIS = 60_000;

/**
 * The readers that `OTEL_METRICS_EXPORTER` (`otlp`, `none`; `prometheus` is `GET /metrics`, which is always there) asks for. Unset,
 * an `OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_METRICS_ENDPOINT` asks for OTLP. The exporters read the rest of the
 * `OTEL_EXPORTER_OTLP_*` settings of the process themselves. What is not known is told to `report` and left out.
 */
export async function ownMetricReaders(
  environment: Environment,
  report: (message: string) => void,
): Promise<readonly IMetricReader[]> {
  if (!asksForOtlp(environment, report)) return [];
  const exporter = await otlpExporter(environment, report);
  if (exporter === undefined) return [];
  const reporting = new ReportingExporter(exporter, (reason) =>
    report(`the receiver's own metrics cannot be exported: ${reason}`),
  );
  return [metricReader(reporting, environment, [], EXPORT_INTERVAL_MILLIS)];
}

function asksForOtlp(environment: Environment, report: (message: string) => void): boolean {
  if (valueOf(environment, "OTEL_SDK_DISABLED")?.toLowerCase() === "true") return false;
  const asked = valueOf(environment, "OTEL_METRICS_EXPORTER");
  if (asked === undefined) {
    const endpoints = ["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
    return endpoints.some((name) => valueOf(environment, name) !== undefined);
  }
  const names = asked.split(",").map((name) => name.trim());
  const unknown = names.filter((name) => !["otlp", "prometheus", "none", ""].includes(name));
  for (const name of unknown) report(`OTEL_METRICS_EXPORTER: expected otlp, prometheus or none (got ${name})`);
  return names.includes("otlp");
}

async function otlpExporter(
  environment: Environment,
  report: (message: string) => void,
): Promise<PushMetricExporter | undefined> {
  const protocol =
    valueOf(environment, "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL") ??
    valueOf(environment, "OTEL_EXPORTER_OTLP_PROTOCOL") ??
    "http/protobuf";
  switch (protocol) {
    case "http/protobuf":
      return new (await import("@opentelemetry/exporter-metrics-otlp-proto")).OTLPMetricExporter();
    case "http/json":
      return new (await import("@opentelemetry/exporter-metrics-otlp-http")).OTLPMetricExporter();
    case "grpc":
      return new (await import("@opentelemetry/exporter-metrics-otlp-grpc")).OTLPMetricExporter();
    default:
      report(`OTEL_EXPORTER_OTLP_PROTOCOL: expected http/protobuf, http/json or grpc (got ${protocol})`);
      return undefined;
  }
}

/** Empty counts as unset, as the specification says. */
function valueOf(environment: Environment, name: string): string | undefined {
  return environment[name]?.trim() || undefined;
}
