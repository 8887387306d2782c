/**
 * The entry point `otel-bandwidth/register`: `node --import otel-bandwidth/register app.js` measures an app without a change
 * to its code. Nothing that goes wrong here reaches the app.
 */

import { diag } from "@opentelemetry/api";

if (isEnabled()) {
  try {
    const { startTelemetry } = await import("./telemetry-sdk.ts");
    await startTelemetry(process.env);
  } catch (error) {
    diag.error("otel-bandwidth/register: could not start, the app runs unmeasured", error);
  }
}

/** `METRICS_ENABLED=false` keeps even the SDK from being loaded. */
function isEnabled(): boolean {
  const isFalse = (text: string | undefined, value: string): boolean => text?.trim().toLowerCase() === value;
  return !isFalse(process.env["METRICS_ENABLED"], "false") && !isFalse(process.env["OTEL_SDK_DISABLED"], "true");
}
