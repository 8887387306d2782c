/**
 * Starts the OpenTelemetry SDK for `register`: which instrumentations run, what is exported how, and when it is flushed.
 */

import { context, createContextKey, diag, logs } from "@opentelemetry/api";
import { ExpressInstrumentation } from "@opentelemetry/instrumentation-express";
import { HttpInstrumentation } from "@opentelemetry/instrumentation-http";
import { UndiciInstrumentation } from "@opentelemetry/instrumentation-undici";
import { AggregationType, InstrumentType, type ViewOptions } from "@opentelemetry/sdk-metrics";
import { NodeSDK, type NodeSDKConfiguration } from "@opentelemetry/sdk-node";
import { HttpSizeInstrumentation } from "../http/index.ts";
import { yieldGlobals } from "./app-sdk.ts";
import { flushBeforeExit } from "./flush-before-exit.ts";
import { hookModuleLoading } from "./module-hooks.ts";
import { serviceInstance } from "./service-instance.ts";
import { metricReaderFromEnvironment } from "./telemetry-reader.ts";

/** Keeps scale 5 over the range of request durations: percentiles within 5 ms up to 300 ms. */
const DURATION_MAX_BUCKETS = 640;
const BODY_SIZE_MAX_BUCKETS = 160;

/** The key of `@opentelemetry/core`; context keys are registered symbols. */
const SUPPRESS_TRACING_KEY = createContextKey("OpenTelemetry SDK Context Key SUPPRESS_TRACING");

/** The environment, as `process.env` has it. */
type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Starts measuring this process. Settings are those of the OpenTelemetry specification (`OTEL_*`); only metrics are made
 * unless `OTEL_TRACES_EXPORTER` or `OTEL_LOGS_EXPORTER` ask for more. Throws if the SDK does.
 */
export async function startTelemetry(environment: Environment): Promise<void> {
  const reader = metricReaderFromEnvironment(environment);
  const http = new HttpInstrumentation({ ignoreOutgoingRequestHook: isOwnExport });
  const undici = new UndiciInstrumentation();
  const sdk = new NodeSDK({
    resource: serviceInstance(),
    ...(reader === undefined ? {} : { metricReaders: [reader] }),
    ...signalsAskedFor(environment),
    views: [...exponential("*.duration", DURATION_MAX_BUCKETS), ...exponential("*.body.size", BODY_SIZE_MAX_BUCKETS)],
    instrumentations: [http, undici, new ExpressInstrumentation(), new HttpSizeInstrumentation()],
  });
  sdk.start();
  // The SDK sets a global even without processors; the app may have a logger provider of its own to set.
  if (!logsAskedFor(environment)) logs.disable();
  yieldGlobals((appProvider) => {
    diag.warn("otel-bandwidth/register: the app starts an SDK of its own; only byte counts are exported from here on");
    // The app's own HttpInstrumentation cannot patch what is patched: ours works for it. Undici would be measured twice.
    http.setMeterProvider(appProvider);
    undici.disable();
  });
  await hookModuleLoading();
  if (reader !== undefined) flushBeforeExit(() => reader.forceFlush());
}

function exponential(instrumentName: string, maxSize: number): ViewOptions[] {
  const aggregation = {
    type: AggregationType.EXPONENTIAL_HISTOGRAM,
    options: { maxSize, recordMinMax: true },
  } as const;
  return [{ instrumentName, instrumentType: InstrumentType.HISTOGRAM, aggregation }];
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
