/**
 * The metric reader of `register`: OTLP over HTTP every few seconds, settings from the environment.
 */

import { OTLPMetricExporter as JsonExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPMetricExporter as ProtobufExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import {
  PeriodicExportingMetricReader,
  type MetricProducer,
  type MetricReader,
  type PushMetricExporter,
} from "@opentelemetry/sdk-metrics";
import { ProcessStartExporter } from "./process-start-exporter.ts";

const DEFAULT_EXPORT_INTERVAL_MILLIS = 5_000;
const DEFAULT_EXPORT_TIMEOUT_MILLIS = 30_000;
/** One send with its retries; while a receiver is down, the app's natural end waits as long as this. */
const DEFAULT_SEND_TIMEOUT_MILLIS = 2_500;

/** The environment, as `process.env` has it. */
type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Builds the exporter. Returns undefined for what only the SDK's own set-up knows: other values of `OTEL_METRICS_EXPORTER`,
 * and gRPC.
 */
export function metricExporterFromEnvironment(environment: Environment): ProcessStartExporter | undefined {
  const exporterName = environment["OTEL_METRICS_EXPORTER"]?.trim() || "otlp";
  const protocol =
    environment["OTEL_EXPORTER_OTLP_METRICS_PROTOCOL"]?.trim() ||
    environment["OTEL_EXPORTER_OTLP_PROTOCOL"]?.trim() ||
    "http/protobuf";
  if (exporterName !== "otlp" || protocol === "grpc") return undefined;
  const options = hasOwnTimeout(environment)
    ? {}
    : { timeoutMillis: Math.min(DEFAULT_SEND_TIMEOUT_MILLIS, exportIntervalOf(environment)) };
  return new ProcessStartExporter(protocol === "http/json" ? new JsonExporter(options) : new ProtobufExporter(options));
}

/**
 * Builds the reader. `OTEL_METRIC_EXPORT_INTERVAL` defaults to 5 s or `defaultIntervalMillis`, and the timeout is never longer than
 * the interval.
 */
export function metricReader(
  exporter: PushMetricExporter,
  environment: Environment,
  metricProducers: MetricProducer[],
  defaultIntervalMillis: number = DEFAULT_EXPORT_INTERVAL_MILLIS,
): MetricReader {
  const exportIntervalMillis = exportIntervalOf(environment, defaultIntervalMillis);
  const exportTimeoutMillis = Math.min(
    positive(environment["OTEL_METRIC_EXPORT_TIMEOUT"]) ?? DEFAULT_EXPORT_TIMEOUT_MILLIS,
    exportIntervalMillis,
  );
  return new PeriodicExportingMetricReader({ exporter, exportIntervalMillis, exportTimeoutMillis, metricProducers });
}

function exportIntervalOf(environment: Environment, defaultMillis: number = DEFAULT_EXPORT_INTERVAL_MILLIS): number {
  return positive(environment["OTEL_METRIC_EXPORT_INTERVAL"]) ?? defaultMillis;
}

/** A timeout that the user set is left to the exporter to read. */
function hasOwnTimeout(environment: Environment): boolean {
  return Boolean(environment["OTEL_EXPORTER_OTLP_METRICS_TIMEOUT"] || environment["OTEL_EXPORTER_OTLP_TIMEOUT"]);
}

/** As the SDK does: what is not a positive number does not count. */
function positive(text: string | undefined): number | undefined {
  const value = Number(text?.trim() || Number.NaN);
  return Number.isFinite(value) && value > 0 ? value : undefined;
}
