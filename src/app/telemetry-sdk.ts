/**
 * Starts the OpenTelemetry SDK for `register`: which instrumentations run, what is exported how, and when it is flushed.
 */

import { diag, DiagConsoleLogger, DiagLogLevel } from "@opentelemetry/api";
import { ExpressInstrumentation } from "@opentelemetry/instrumentation-express";
import { HttpInstrumentation } from "@opentelemetry/instrumentation-http";
import { UndiciInstrumentation } from "@opentelemetry/instrumentation-undici";
import { AggregationType, InstrumentType, type ViewOptions } from "@opentelemetry/sdk-metrics";
import { NodeSDK, type NodeSDKConfiguration } from "@opentelemetry/sdk-node";
import { HttpSizeInstrumentation } from "../http/index.ts";
import { flushBeforeExit } from "./flush-before-exit.ts";
import { hookModuleLoading } from "./module-hooks.ts";
import { metricReaderFromEnvironment } from "./telemetry-reader.ts";

/** Keeps scale 5 over the range of request durations: percentiles within 5 ms up to 300 ms. */
const DURATION_MAX_BUCKETS = 640;
const BODY_SIZE_MAX_BUCKETS = 160;

/** The environment, as `process.env` has it. */
type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Starts measuring this process. Settings are those of the OpenTelemetry specification (`OTEL_*`); only metrics are made
 * unless `OTEL_TRACES_EXPORTER` or `OTEL_LOGS_EXPORTER` ask for more. Throws if the SDK does.
 */
export async function startTelemetry(environment: Environment): Promise<void> {
  // The SDK sets a logger only when asked to; without one a fault would be told to nobody.
  if (environment["OTEL_LOG_LEVEL"] === undefined) diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.ERROR);
  const reader = metricReaderFromEnvironment(environment);
  const sdk = new NodeSDK({
    ...(reader === undefined ? {} : { metricReaders: [reader] }),
    ...signalsAskedFor(environment),
    views: [...exponential("*.duration", DURATION_MAX_BUCKETS), ...exponential("*.body.size", BODY_SIZE_MAX_BUCKETS)],
    instrumentations: [
      new HttpInstrumentation(),
      new UndiciInstrumentation(),
      new ExpressInstrumentation(),
      new HttpSizeInstrumentation(),
    ],
  });
  sdk.start();
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
  const asked = (...names: string[]): boolean =>
    names.some((name) => environment[name] !== undefined && environment[name] !== "");
  const traces = asked("OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
  const logs = asked("OTEL_LOGS_EXPORTER", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT");
  return {
    ...(traces ? {} : { spanProcessors: [] }),
    ...(traces || asked("OTEL_PROPAGATORS") ? {} : { textMapPropagator: null }),
    ...(logs ? {} : { logRecordProcessors: [] }),
  };
}
