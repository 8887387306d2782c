/**
 * The entry point `otel-bandwidth/http`: counting the bytes of HTTP servers for teams with an OpenTelemetry set-up of their own.
 */

export { honoRoute, type HonoContext, type HonoMiddleware } from "./hono-route.ts";
export { HttpSizeInstrumentation, type HttpSizeInstrumentationConfig } from "./http-size-instrumentation.ts";
export { koaRoute, type KoaContext, type KoaMiddleware } from "./koa-route.ts";
export { setHttpRoute } from "./route-metadata.ts";
