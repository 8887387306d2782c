/**
 * Log: where a Redis Cluster keeps a shard. All keys of a shard carry its number as their hash tag, so they have one slot.
 */

/** How many slots a cluster has. */
export const REDIS_SLOTS = 16_384;

/** The slot of a shard's keys (https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags). */
export function slotOfShard(shard: number): number {
  let crc = 0;
  // CRC16-XMODEM.
  for (const byte of Buffer.from(String(shard), "latin1")) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x80_00) === 0 ? crc << 1 : (crc << 1) ^ 0x10_21;
    crc &= 0xff_ff;
  }
  return crc % REDIS_SLOTS;
}
