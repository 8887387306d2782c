/**
 * The entry point `otel-bandwidth/http`: counting the bytes of HTTP servers for teams with an OpenTelemetry set-up of their own.
 */

export { HttpSizeInstrumentation, type HttpSizeInstrumentationConfig } from "./http-size-instrumentation.ts";
export { setHttpRoute } from "./route-metadata.ts";
