/**
 * Where a resource's data belongs: a slot is a hash of who the data is about, a shard is a slot modulo `SHARDS`, so every
 * row of state and totals has one writer.
 */

/** The number of slots; fixed for ever, shards are made of slots. */
export const SLOT_COUNT = 1024;

/** FNV-1a, 32 bits, over the UTF-8 of the parts with a separator that no part contains unescaped. */
export function slotOf(parts: readonly string[]): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(JSON.stringify(parts))) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  // The low bits of FNV mix poorly for short inputs: fold the high half in before taking the remainder.
  return ((hash >>> 16) ^ hash) & (SLOT_COUNT - 1);
}

/** The slot of a service: (`service.namespace`, `service.name`, `deployment.environment.name`). */
export function serviceSlot(namespace: string, service: string, environment: string): number {
  return slotOf([namespace, service, environment]);
}

/** The slot of a meeting, for what the bridge took in. */
export function meetingSlot(meeting: string): number {
  return slotOf(["meeting", meeting]);
}

/** The shard that a slot belongs to when there are `shardCount` shards. */
export function shardOf(slot: number, shardCount: number): number {
  return slot % shardCount;
}
