/**
 * Whether the code that runs asked not to be observed, as exporters do around their own requests.
 */

import { context, createContextKey } from "@opentelemetry/api";

/** The key of `@opentelemetry/core`; context keys are registered symbols, so copies of that package share it. */
const SUPPRESS_KEY: symbol = createContextKey("OpenTelemetry SDK Context Key SUPPRESS_TRACING");

/** Whether what happens now is to be left out. */
export function isSuppressed(): boolean {
  return context.active().getValue(SUPPRESS_KEY) === true;
}
