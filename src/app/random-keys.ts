/**
 * Random keys for log entries, cut from larger draws: a draw costs more than a key is worth.
 */

/** Bytes of a key. */
const KEY_BYTES = 16;
const KEYS_PER_DRAW = 256;

/** A source of keys of 16 bytes; `draw` returns so many random bytes. */
export function pooledRandomKeys(draw: (bytes: number) => Uint8Array): () => Uint8Array {
  let pool = new Uint8Array(0);
  let used = 0;
  return () => {
    if (used === pool.length) {
      pool = Uint8Array.from(draw(KEY_BYTES * KEYS_PER_DRAW));
      used = 0;
    }
    used += KEY_BYTES;
    return pool.subarray(used - KEY_BYTES, used);
  };
}
