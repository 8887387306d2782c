/**
 * Whether the host has a context manager: without one nothing that is put into a context is ever found again.
 */

import { context, createContextKey, ROOT_CONTEXT } from "@opentelemetry/api";

/** A context that only a context manager can make the active one. */
const PROBE = ROOT_CONTEXT.setValue(createContextKey("otel-bandwidth probe"), true);

/** Asked each time, since one may be set later. */
export function hasContextManager(): boolean {
  return context.with(PROBE, () => context.active() === PROBE);
}
