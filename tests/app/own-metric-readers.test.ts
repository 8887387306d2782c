import { expect, it } from "vitest";
import { ownMetricReaders } from "../../src/app/own-metric-readers.ts";

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" };

it.each([
  {},
  { OTEL_METRICS_EXPORTER: " ", OTEL_EXPORTER_OTLP_ENDPOINT: "" },
  { OTEL_SERVICE_NAME: "shop" },
  { ...ENDPOINT, OTEL_METRICS_EXPORTER: "none" },
  { ...ENDPOINT, OTEL_METRICS_EXPORTER: "prometheus" },
  { ...ENDPOINT, OTEL_SDK_DISABLED: "TRUE" },
])("exports nothing with %o", async (environment) => {
  const reports: string[] = [];
  expect(await ownMetricReaders(environment, (report) => void reports.push(report))).toEqual([]);
  expect(reports).toEqual([]);
});

it.each([
  ENDPOINT,
  { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "http://127.0.0.1:9/v1/metrics" },
  { OTEL_METRICS_EXPORTER: "otlp" },
  { OTEL_METRICS_EXPORTER: "prometheus, otlp" },
  { ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" },
  { ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: "http/json", OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: "grpc" },
])("exports with %o", async (environment) => {
  const reports: string[] = [];
  expect(await ownMetricReaders(environment, (report) => void reports.push(report))).toHaveLength(1);
  expect(reports).toEqual([]);
});

it.each([
  [
    { ...ENDPOINT, OTEL_METRICS_EXPORTER: "console" },
    "OTEL_METRICS_EXPORTER: expected otlp, prometheus or none (got console)",
  ],
  [
    { ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: "avian" },
    "OTEL_EXPORTER_OTLP_PROTOCOL: expected http/protobuf, http/json or grpc (got avian)",
  ],
] as const)("says what it does not know of %o", async (environment, report) => {
  const reports: string[] = [];
  expect(await ownMetricReaders(environment, (text) => void reports.push(text))).toEqual([]);
  expect(reports).toEqual([report]);
});
