/**
 * Starts the OpenTelemetry SDK for `register`: which instrumentations run, what is exported how, and when it is flushed.
 */

import { context, createContextKey, diag, logs, metrics } from "@opentelemetry/api";
import { ExpressInstrumentation } from "@opentelemetry/instrumentation-express";
import { UndiciInstrumentation } from "@opentelemetry/instrumentation-undici";
import { AggregationType, InstrumentType, type MetricReader, type ViewOptions } from "@opentelemetry/sdk-metrics";
import { NodeSDK, type NodeSDKConfiguration } from "@opentelemetry/sdk-node";
import { CellInstruments, type HistogramAggregation } from "../http/cells/cell-instruments.ts";
import { HttpSizeInstrumentation, INSTRUMENTATION_SCOPE } from "../http/http-size-instrumentation.ts";
import { yieldGlobals } from "./app-sdk.ts";
import { CellMetricProducer } from "./cell-metric-producer.ts";
import { flushBeforeExit } from "./flush-before-exit.ts";
import { hookModuleLoading } from "./module-hooks.ts";
import { RegisteredHttpInstrumentation } from "./server-duration.ts";
import { serviceInstance } from "./service-instance.ts";
import { metricExporterFromEnvironment, metricReader } from "./telemetry-reader.ts";

/** Keeps scale 5 over the range of request durations: percentiles within 5 ms up to 300 ms. */
const DURATION_MAX_BUCKETS = 640;
const BODY_SIZE_MAX_BUCKETS = 160;
/** The SDK's own limit. A counter of bytes has two points where a histogram has one. */
const MAX_ATTRIBUTE_SETS = 2_000;
const DIRECTIONS = 2;

/** What the SDK's instruments export exponentially. The cells follow the second themselves. */
const VIEWS: ViewOptions[] = [
  ["*.duration", DURATION_MAX_BUCKETS] as const,
  ["*.body.size", BODY_SIZE_MAX_BUCKETS] as const,
].map(([instrumentName, maxSize]) => ({
  instrumentName,
  instrumentType: InstrumentType.HISTOGRAM,
  aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM, options: { maxSize, recordMinMax: true } },
}));

/** The key of `@opentelemetry/core`; context keys are registered symbols. */
const SUPPRESS_TRACING_KEY = createContextKey("OpenTelemetry SDK Context Key SUPPRESS_TRACING");

/** The environment, as `process.env` has it. */
type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Starts measuring this process. Settings are those of the OpenTelemetry specification (`OTEL_*`); only metrics are made
 * unless `OTEL_TRACES_EXPORTER` or `OTEL_LOGS_EXPORTER` ask for more. Throws if the SDK does.
 */
export async function startTelemetry(environment: Environment): Promise<void> {
  const histograms = histogramAggregation(environment);
  const own = ownReader(environment, histograms);
  const http = new RegisteredHttpInstrumentation({ ignoreOutgoingRequestHook: isOwnExport });
  const undici = new UndiciInstrumentation();
  const sdk = new NodeSDK({
    resource: serviceInstance(),
    ...(own === undefined ? {} : { metricReaders: [own.reader] }),
    ...signalsAskedFor(environment),
    views: histograms.kind === "explicit" ? [] : VIEWS,
    instrumentations: [http, undici, new ExpressInstrumentation(), new HttpSizeInstrumentation({}, own?.cells)],
  });
  sdk.start();
  const started = metrics.getMeterProvider() as { readonly forceFlush?: () => Promise<void> };
  // The SDK sets a global even without processors; the app may have a logger provider of its own to set.
  if (!logsAskedFor(environment)) logs.disable();
  yieldGlobals((appProvider) => {
    diag.warn("otel-bandwidth/register: the app starts an SDK of its own; only byte counts are exported from here on");
    // The app's own HttpInstrumentation cannot patch what is patched: ours works for it. Undici would be measured twice.
    http.handOver(appProvider);
    undici.disable();
  });
  await hookModuleLoading();
  flushBeforeExit(async () => started.forceFlush?.());
}

/** Our reader, and the cells it reads: nothing but this reader and the views above takes part, so sizes need no SDK. */
function ownReader(
  environment: Environment,
  histograms: HistogramAggregation,
): { readonly reader: MetricReader; readonly cells: CellInstruments } | undefined {
  const exporter = metricExporterFromEnvironment(environment);
  if (exporter === undefined) return undefined;
  const cells = new CellInstruments({
    histograms,
    histogramLimit: MAX_ATTRIBUTE_SETS,
    counterLimit: DIRECTIONS * MAX_ATTRIBUTE_SETS,
  });
  const producer = new CellMetricProducer(cells, INSTRUMENTATION_SCOPE, exporter.selectAggregationTemporality);
  return { reader: metricReader(exporter, environment, [producer]), cells };
}

/**
 * Exponential unless `OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION` asks for explicit buckets, which the SDK
 * itself does not read.
 */
function histogramAggregation(environment: Environment): HistogramAggregation {
  const asked = environment["OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"]?.trim().toLowerCase();
  return asked === "explicit_bucket_histogram"
    ? { kind: "explicit" }
    : { kind: "exponential", maxSize: BODY_SIZE_MAX_BUCKETS };
}

/**
 * The SDK would export traces and logs by default. Without traces the context of callers is not passed on either: the app's
 * outgoing requests stay as they were.
 */
function signalsAskedFor(environment: Environment): Partial<NodeSDKConfiguration> {
  const traces = isAny(environment, "OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
  return {
    ...(traces ? {} : { spanProcessors: [] }),
    ...(traces || isAny(environment, "OTEL_PROPAGATORS") ? {} : { textMapPropagator: null }),
    ...(logsAskedFor(environment) ? {} : { logRecordProcessors: [] }),
  };
}

/** Exporters suppress tracing while they send; the instrumentation would still measure what they send as the app's. */
function isOwnExport(): boolean {
  return context.active().getValue(SUPPRESS_TRACING_KEY) === true;
}

function logsAskedFor(environment: Environment): boolean {
  return isAny(environment, "OTEL_LOGS_EXPORTER", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT");
}

function isAny(environment: Environment, ...names: string[]): boolean {
  return names.some((name) => environment[name] !== undefined && environment[name] !== "");
}
