/** Bridge: the hash by which series are told apart. */

/**
 * 52 bits of two hashes over bytes (FNV-1a, and one of another factor), from the hash of what goes before them. Of what goes before all
 * it is a seed, a whole number below 2^52: while nobody outside knows it, nobody can choose series whose hashes are the same.
 */
export function hashOf(bytes: Uint8Array, start: number, end: number, before: number): number {
  let high = (0x811c9dc5 ^ (before / 0x4000_000)) >>> 0;
  let low = (0x811c9dc5 ^ (before % 0x4000_000)) >>> 0;
  for (let position = start; position < end; position++) {
    high = Math.imul(high ^ bytes[position]!, 0x01000193);
    low = Math.imul(low ^ bytes[position]!, 0x85ebca6b) + 1;
  }
  return ((high >>> 6) & 0x3ff_ffff) * 0x400_0000 + ((low >>> 6) & 0x3ff_ffff);
}
