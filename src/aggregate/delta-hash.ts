/**
 * Fold, inside: the 64-bit hash by which a repeated delta point is known: of its stream, start, time and value.
 */
import type { PointCursor } from "../model/point-cursor.ts";
import type { PointValue } from "./point-value.ts";
import type { Stream } from "./streams.ts";

/** Two 32-bit words, unsigned, never both zero. */
export interface DeltaHash {
  high: number;
  low: number;
}

const double = new Float64Array(1);
const doubleWords = new Uint32Array(double.buffer);

/** Hashes a delta point into `into`. */
export function deltaHash(stream: Stream, point: PointCursor, value: PointValue, into: DeltaHash): void {
  let a = stream.wordA;
  let b = stream.wordB;
  const add = (word: number): void => {
    a = mix(a ^ Math.imul(word, 0x9e3779b1), b);
    b = mix(b ^ Math.imul(word, 0x85ebca77), a);
  };
  add(point.startHigh);
  add(point.startLow);
  add(point.timeHigh);
  add(point.timeLow);
  addDouble(add, value.count);
  add(value.high);
  add(value.low);
  addDouble(add, value.seconds);
  into.high = finish(a) >>> 0;
  into.low = finish(b) >>> 0;
  if (into.high === 0 && into.low === 0) into.low = 1;
}

function addDouble(add: (word: number) => void, number: number): void {
  double[0] = number;
  add(doubleWords[0]!);
  add(doubleWords[1]!);
}

function mix(word: number, other: number): number {
  const mixed = Math.imul((word << 13) | (word >>> 19), 5) + 0xe6546b64;
  return (mixed ^ Math.imul(other, 0xc2b2ae3d)) | 0;
}

/** The finaliser of MurmurHash3, 32 bits. */
function finish(word: number): number {
  let mixed = word ^ (word >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
