/** The tests of `src/http` run twice, and each time on the line of the SDK that they claim. */
import * as api from "@opentelemetry/api";
import { HttpInstrumentation } from "@opentelemetry/instrumentation-http";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { expect, test } from "vitest";

const GLOBALS = Symbol.for("opentelemetry.js.api.1");
const EXPECTED = process.env["TESTED_SDK_LINE"] === "2" ? ["1.9.1", "0.223.0"] : ["1.10.0", "0.301.0"];

test("the API and the SDK are those of the line", () => {
  api.metrics.setGlobalMeterProvider(new MeterProvider());
  const { version } = (globalThis as unknown as Record<symbol, { version: string }>)[GLOBALS]!;
  api.metrics.disable();
  const { instrumentationVersion } = new HttpInstrumentation({ enabled: false });
  expect([version, instrumentationVersion]).toEqual(EXPECTED);
});
