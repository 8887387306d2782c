/**
 * Whom a resource's data is about: the part of the dimensions that all of its series share, and its slot. The door routes
 * by it, the fold counts by it.
 */
import type { PlainAttributes } from "./attributes.ts";
import type { BridgeIdentity } from "./ingest-log.ts";
import { ATTRIBUTES } from "./metric-names.ts";
import { meetingSlot, serviceSlot } from "./slot.ts";

/** What the dimensions of a resource's series have in common. Absent text is "". */
export interface ResourceDimensions {
  readonly namespace: string;
  readonly service: string;
  readonly environment: string;
  readonly meetingId: string;
  readonly participantId: string;
}

/** The dimensions of a resource; what the bridge stamped goes before what the resource says. */
export function resourceDimensions(attributes: PlainAttributes, identity?: BridgeIdentity): ResourceDimensions {
  return {
    namespace: text(attributes, ATTRIBUTES.serviceNamespace),
    service: text(attributes, ATTRIBUTES.serviceName) || "unknown_service",
    environment: text(attributes, ATTRIBUTES.environment) || text(attributes, ATTRIBUTES.environmentBefore127),
    meetingId: identity?.meeting ?? text(attributes, ATTRIBUTES.meetingId),
    participantId: identity?.participant ?? text(attributes, ATTRIBUTES.participantId),
  };
}

/** The slot of a resource: that of its meeting when it has one, else that of its service. */
export function resourceSlot(dimensions: ResourceDimensions): number {
  const { namespace, service, environment, meetingId } = dimensions;
  return meetingId === "" ? serviceSlot(namespace, service, environment) : meetingSlot(meetingId);
}

function text(attributes: PlainAttributes, name: string): string {
  const value = attributes.get(name);
  return value === undefined ? "" : String(value);
}
