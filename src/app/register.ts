/**
 * The entry point `otel-bandwidth/register`: `node --import otel-bandwidth/register app.js` measures an app without a change
 * to its code. Nothing that goes wrong here reaches the app.
 */

import { diag, DiagConsoleLogger, DiagLogLevel } from "@opentelemetry/api";

if (isEnabled()) {
  // The SDK sets a logger only when asked to; without one a fault would be told to nobody.
  if (process.env["OTEL_LOG_LEVEL"] === undefined) diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.ERROR);
  try {
    const { canStartSdk, hasMeterProvider } = await import("./app-sdk.ts");
    if (hasMeterProvider() || !canStartSdk()) (await import("./join-app-sdk.ts")).joinAppSdk();
    else await (await import("./telemetry-sdk.ts")).startTelemetry(process.env);
  } catch (error) {
    diag.error("otel-bandwidth/register: could not start, the app runs unmeasured", error);
  }
}

/** `METRICS_ENABLED=false` keeps even the SDK from being loaded. */
function isEnabled(): boolean {
  const isFalse = (text: string | undefined, value: string): boolean => text?.trim().toLowerCase() === value;
  return !isFalse(process.env["METRICS_ENABLED"], "false") && !isFalse(process.env["OTEL_SDK_DISABLED"], "true");
}
