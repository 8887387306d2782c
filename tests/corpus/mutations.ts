/** Seeded mutations of bodies: the same seed makes the same bytes. */

/** Whole numbers below `bound`, from a seeded source. */
export type RandomBelow = (bound: number) => number;

/** Mulberry32. */
export function seededRandom(seed: number): RandomBelow {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000) * bound);
  };
}

/** Bytes that protobuf, JSON and compression give a meaning to. */
const TELLING = [0, 1, 2, 8, 0x0a, 0x12, 0x1a, 0x22, 0x5b, 0x5d, 0x7b, 0x7d, 0x7f, 0x80, 0xff];

/** A body with one to four changes, most often few; `others` are bodies to take pieces from. */
export function mutated(body: Uint8Array, others: readonly Uint8Array[], random: RandomBelow): Buffer {
  let bytes: Buffer = Buffer.from(body);
  for (let changes = 1 + random(1 + random(4)); changes > 0; changes -= 1) bytes = changed(bytes, others, random);
  return bytes;
}

function changed(bytes: Buffer, others: readonly Uint8Array[], random: RandomBelow): Buffer {
  if (bytes.length === 0) return Buffer.from([random(256)]);
  const at = random(bytes.length);
  const length = 1 + random(Math.min(16, bytes.length - at));
  const [before, piece, after] = [bytes.subarray(0, at), bytes.subarray(at, at + length), bytes.subarray(at + length)];
  switch (random(9)) {
    case 0: {
      const flipped = Buffer.from(bytes);
      flipped[at]! ^= 1 << random(8);
      return flipped;
    }
    case 1:
      return Buffer.concat([before, Buffer.from([TELLING[random(TELLING.length)]!]), bytes.subarray(at + 1)]);
    case 2:
      return Buffer.concat([before, Buffer.from([random(256)]), bytes.subarray(at + 1)]);
    case 3:
      return Buffer.concat([before, Buffer.from([TELLING[random(TELLING.length)]!]), bytes.subarray(at)]);
    case 4:
      return Buffer.concat([before, after]);
    case 5:
      return Buffer.concat([before, piece, piece, after]);
    case 6:
      return bytes.subarray(0, at);
    case 7: {
      const other = others[random(others.length)]!;
      const from = random(Math.max(1, other.length));
      return Buffer.concat([before, other.subarray(from, from + length), after]);
    }
    default: {
      const other = others[random(others.length)]!;
      return Buffer.concat([bytes, other]);
    }
  }
}
