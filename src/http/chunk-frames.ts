/**
 * The chunks of a chunked message as they go over the wire, so that a message that was cut can be told body from framing.
 */

const LINE_END_BYTES = 2;
/** `0`, its line end, and the empty line after the trailers. */
const LAST_CHUNK_BYTES = 5;
/** Chunks of equal size are kept as one run; with so many runs, those that have left are looked for and dropped. */
const RUNS_BEFORE_DROPPING = 256;
/** Most runs of chunks that wait in memory with the message itself; then the oldest go, as if they had left. */
const MAX_RUNS = 65_536;

/** Chunk sizes in the order sent, without those that are known to have left. */
export class ChunkFrames {
  readonly #sizes: number[] = [];
  readonly #counts: number[] = [];
  #framingBytes = 0;
  #lastChunkBytes = 0;
  /** Bytes, with framing, of the chunks that are not kept any more. */
  #droppedBytes = 0;
  #dropAt = RUNS_BEFORE_DROPPING;

  /** Bytes that are not body: sizes, line ends, the last chunk, trailers (RFC 9112, section 7.1). */
  get framingBytes(): number {
    return this.#framingBytes + this.#lastChunkBytes;
  }

  /** Adds a chunk with `bytes` of body. `sentBytes` tells how many bytes of all chunks have left by now; it is rarely asked. */
  add(bytes: number, sentBytes: () => number): void {
    this.#framingBytes += framingBytesOf(bytes);
    const newest = this.#sizes.length - 1;
    if (this.#sizes[newest] === bytes) {
      this.#counts[newest] = (this.#counts[newest] ?? 0) + 1;
      return;
    }
    if (this.#sizes.length >= this.#dropAt) this.#makeRoom(sentBytes());
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

  /** Drops what has left. Where most is still waiting, more is kept: the message itself takes far more memory. */
  #makeRoom(sentBytes: number): void {
    let runs = 0;
    for (; runs < this.#sizes.length; runs += 1) {
      const bytes = this.#runBytes(runs);
      if (this.#droppedBytes + bytes > sentBytes) break;
      this.#droppedBytes += bytes;
    }
    const target = this.#sizes.length - runs < MAX_RUNS ? runs : this.#sizes.length - MAX_RUNS / 2;
    for (; runs < target; runs += 1) this.#droppedBytes += this.#runBytes(runs);
    this.#sizes.splice(0, runs);
    this.#counts.splice(0, runs);
    this.#dropAt = Math.min(MAX_RUNS, Math.max(RUNS_BEFORE_DROPPING, 2 * this.#sizes.length));
  }

  #runBytes(run: number): number {
    const size = this.#sizes[run] ?? 0;
    return (this.#counts[run] ?? 0) * (size + framingBytesOf(size));
  }
}

/** The hexadecimal size and the two line ends around a chunk. */
function framingBytesOf(bytes: number): number {
  return bytes.toString(16).length + LINE_END_BYTES + LINE_END_BYTES;
}
