/**
 * The chunks of a chunked response as they go over the wire, so that a response that was cut can be told body from framing.
 */

const LINE_END_BYTES = 2;
/** `0`, its line end, and the empty line after the trailers. */
const LAST_CHUNK_BYTES = 5;
/** Chunks of equal size are kept as one run; so many runs are kept, the newest. */
const MAX_RUNS = 256;

/** Chunk sizes in the order sent, from the newest back as far as {@link MAX_RUNS} runs go. */
export class ChunkFrames {
  readonly #sizes: number[] = [];
  readonly #counts: number[] = [];
  #framingBytes = 0;
  #lastChunkBytes = 0;

  /** Bytes that are not body: sizes, line ends, the last chunk, trailers (RFC 9112, section 7.1). */
  get framingBytes(): number {
    return this.#framingBytes + this.#lastChunkBytes;
  }

  /** Adds a chunk with `bytes` of body. */
  add(bytes: number): void {
    this.#framingBytes += framingBytesOf(bytes);
    const newest = this.#sizes.length - 1;
    if (this.#sizes[newest] === bytes) {
      this.#counts[newest] = (this.#counts[newest] ?? 0) + 1;
      return;
    }
    if (this.#sizes.length === MAX_RUNS) {
      // The oldest were sent long ago in all likelihood: a cut takes from the newest.
      this.#sizes.splice(0, MAX_RUNS / 2);
      this.#counts.splice(0, MAX_RUNS / 2);
    }
    this.#sizes.push(bytes);
    this.#counts.push(1);
  }

  /** Adds the last chunk and `trailerBytes` of trailers. */
  end(trailerBytes: number): void {
    this.#lastChunkBytes = LAST_CHUNK_BYTES + trailerBytes;
  }

  /** Body bytes among the last `unsentBytes` that were written but never left. */
  unsentBodyBytes(unsentBytes: number): number {
    let unsent = Math.max(0, unsentBytes - this.#lastChunkBytes);
    let body = 0;
    for (let run = this.#sizes.length - 1; run >= 0 && unsent > 0; run -= 1) {
      const size = this.#sizes[run] ?? 0;
      const frameBytes = size + framingBytesOf(size);
      const whole = Math.min(this.#counts[run] ?? 0, Math.floor(unsent / frameBytes));
      body += whole * size;
      unsent -= whole * frameBytes;
      if (whole === this.#counts[run]) continue;
      return body + Math.min(size, Math.max(0, unsent - LINE_END_BYTES));
    }
    return body + unsent;
  }
}

/** The hexadecimal size and the two line ends around a chunk. */
function framingBytesOf(bytes: number): number {
  return bytes.toString(16).length + LINE_END_BYTES + LINE_END_BYTES;
}
