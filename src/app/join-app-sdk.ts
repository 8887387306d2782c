/**
 * `register` in an app whose own OpenTelemetry SDK is to export what we count: one that was started before us, or one of the
 * 2.x line, beside which the SDK of `register` cannot run.
 */

import { diag } from "@opentelemetry/api";
import { HttpSizeInstrumentation } from "../http/index.ts";
import { hasMeterProvider, onMeterProvider } from "./app-sdk.ts";

/** An app that has set no meter provider by then is told that nothing is exported. */
const SDK_DEADLINE_MILLIS = 30_000;
const NOT_JOINED =
  "otel-bandwidth/register: nothing is exported. @opentelemetry/api is below 1.10, so register starts no SDK of its own, " +
  "and the app has set no meter provider";

/** Counts into the app's meter provider: the one that is set, or the first that the app sets. */
export function joinAppSdk(): void {
  if (hasMeterProvider()) {
    new HttpSizeInstrumentation({ enabled: false }).enable();
    return;
  }
  const sizes = new HttpSizeInstrumentation({ enabled: false });
  const timer = setTimeout(() => diag.error(NOT_JOINED), SDK_DEADLINE_MILLIS).unref();
  onMeterProvider((provider) => {
    clearTimeout(timer);
    sizes.setMeterProvider(provider);
    sizes.enable();
  });
}
