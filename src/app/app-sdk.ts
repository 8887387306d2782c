/**
 * What `register` does when the app has an OpenTelemetry SDK of its own: the app's stays in charge of the API's globals.
 */

import * as imported from "@opentelemetry/api";
import { createRequire } from "node:module";

/** `import` and `require` of the API give two copies of its objects; an app may use either. */
const copies: readonly (typeof imported)[] = [
  imported,
  createRequire(import.meta.url)("@opentelemetry/api") as typeof imported,
];

type Setter = (...args: readonly never[]) => unknown;

/** Whether somebody has set a global meter provider already. */
export function hasMeterProvider(): boolean {
  return imported.metrics.getMeterProvider().getMeter("otel-bandwidth") !== imported.createNoopMeter();
}

/** Whether the app's API is new enough for the SDK that `register` starts: 3.x asks for 1.10. */
export function canStartSdk(): boolean {
  return "logs" in imported;
}

/**
 * Lets an SDK that the app starts later set the globals that ours has set: the API would refuse, and the app's own metrics
 * would end with us. Calls `onTaken` with the app's meter provider before it is set.
 */
export function yieldGlobals(onTaken: (provider: imported.MeterProvider) => void): void {
  for (const { context, metrics, propagation } of new Set(copies)) {
    beforeFirstCall(context, "setGlobalContextManager", () => context.disable());
    beforeFirstCall(propagation, "setGlobalPropagator", () => propagation.disable());
    beforeFirstCall(metrics, "setGlobalMeterProvider", (provider) => {
      metrics.disable();
      onTaken(provider as imported.MeterProvider);
    });
  }
}

/** Calls `action` with the meter provider that the app sets. */
export function onMeterProvider(action: (provider: imported.MeterProvider) => void): void {
  for (const { metrics } of new Set(copies)) {
    const set = metrics.setGlobalMeterProvider.bind(metrics);
    metrics.setGlobalMeterProvider = (provider) => {
      const done = set(provider);
      if (done) action(provider);
      return done;
    };
  }
}

/** Calls `action` with the first argument of the first call of a method, which is then as it was. */
function beforeFirstCall(object: object, name: string, action: (argument: unknown) => void): void {
  const original = Reflect.get(object, name) as Setter;
  const before: Setter = (...args) => {
    Reflect.deleteProperty(object, name);
    action(args[0]);
    return Reflect.apply(original, object, args);
  };
  Reflect.set(object, name, before);
}
