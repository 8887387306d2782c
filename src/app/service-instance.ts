/**
 * What tells the exports of one process or thread from those of another: without it, their cumulative counts would be taken
 * for one stream that jumps.
 */

import { defaultResource, resourceFromAttributes, type Resource } from "@opentelemetry/resources";
import { randomUUID } from "node:crypto";
import { isMainThread, threadId } from "node:worker_threads";

/**
 * The resource of this thread: the SDK's default with a random `service.instance.id`, which the SDK's detectors or
 * `OTEL_RESOURCE_ATTRIBUTES` may replace. Worker threads share the process's environment and id, so they have their
 * `thread.id` as well.
 */
export function serviceInstance(): Resource {
  const thread = isMainThread ? {} : { "thread.id": threadId };
  return defaultResource().merge(resourceFromAttributes({ "service.instance.id": randomUUID(), ...thread }));
}
