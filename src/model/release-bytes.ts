/**
 * Shared by whoever is done with a large byte array: bodies come and go by the thousand, and memory outside of the heap that waits for
 * the garbage collector makes it run again and again.
 */

/** The inflater asks for one byte more than it needs. */
const MAX_SPARE_BYTES = 1;

/**
 * Gives the memory of a byte array back at once; the array is empty afterwards. An array that shares its memory with others (a
 * part of what a socket read, of a pool) is left alone.
 */
export function releaseBytes(bytes: Uint8Array): void {
  const { buffer, byteOffset, byteLength } = bytes;
  if (byteOffset !== 0 || buffer.byteLength > byteLength + MAX_SPARE_BYTES) return;
  if (buffer instanceof ArrayBuffer && !buffer.detached) buffer.transfer(0);
}
