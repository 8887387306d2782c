/**
 * Fold, inside: the attribute bytes of a metric's points in the order in which they stood in the last request. Exporters
 * keep their order, so nearly every point is found by comparing it with what stood in its place.
 */
import { ByteSequence } from "./byte-sequence.ts";

/** Byte sequences by place, side by side in memory. */
export class ExpectedOrder {
  readonly #sequences: ByteSequence[] = [];
  #words = new Int32Array(0);
  #offsets = new Int32Array(0);
  #lengths = new Int32Array(0);
  #stale = false;

  /** Whether the bytes at a place are those of a range of a body. */
  matches(place: number, body: Uint8Array, start: number, end: number): boolean {
    if (this.#stale) return this.#sequences[place]?.equals(body, start, end) ?? false;
    if (this.#lengths[place] !== end - start) return false;
    return ByteSequence.wordsEqual(this.#words, this.#offsets[place]!, body, start, end);
  }

  /** Notes what stands at a place now; places before it must be taken. */
  set(place: number, sequence: ByteSequence): void {
    this.#sequences[place] = sequence;
    this.#stale = true;
  }

  /** Puts the sequences side by side, if that is needed. */
  settle(): void {
    if (!this.#stale) return;
    this.#stale = false;
    this.#offsets = new Int32Array(this.#sequences.length);
    this.#lengths = Int32Array.from(this.#sequences, (sequence) => sequence.length);
    let length = 0;
    for (const sequence of this.#sequences) length += sequence.words.length;
    this.#words = new Int32Array(length);
    let offset = 0;
    this.#sequences.forEach((sequence, place) => {
      this.#words.set(sequence.words, offset);
      this.#offsets[place] = offset;
      offset += sequence.words.length;
    });
  }
}
