/**
 * What asks not to be observed: exporters' own requests.
 */

import { context, createContextKey } from "@opentelemetry/api";
import type { OutgoingMessage } from "node:http";
import { hasContextManager } from "./context-manager.ts";

/** The key of `@opentelemetry/core`; context keys are registered symbols, so copies of that package share it. */
const SUPPRESS_KEY: symbol = createContextKey("OpenTelemetry SDK Context Key SUPPRESS_TRACING");

/** What OTLP exporters call themselves; an app's own name may come before it (OTLP exporter specification, "User Agent"). */
const EXPORTER_AGENT = "OTel-OTLP-Exporter-";

/** Whether what happens now is to be left out. */
export function isSuppressed(): boolean {
  return context.active().getValue(SUPPRESS_KEY) === true;
}

/**
 * Whether `request` is an OTLP exporter's where suppression cannot show: without a context manager, as in set-ups for metrics
 * alone. With one the name decides nothing, because an app may pass exports of others on.
 */
export function isUnsuppressedExport(request: OutgoingMessage): boolean {
  const agent = request.getHeader("user-agent");
  return typeof agent === "string" && agent.includes(EXPORTER_AGENT) && !hasContextManager();
}
