/**
 * Finds where Zstandard frames end (RFC 8878, section 3.1). Node inflates one frame a call, and Node 22 takes a frame that is
 * cut off for a whole one: a part of a request would pass for all of it.
 */

const FRAME_MAGIC = 0xfd2f_b528;
const SKIPPABLE_MAGIC = 0x184d_2a50;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;
const RLE_BLOCK = 1;
const RESERVED_BLOCK = 3;

/** The position after the frame that begins at `start`. Throws when it is no frame or does not end within the body. */
export function frameEnd(body: Uint8Array, start: number): number {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  if (start + 8 > body.length) throw new Error("a frame is cut off");
  const magic = view.getUint32(start, true);
  const isSkippable = (magic & 0xffff_fff0) >>> 0 === SKIPPABLE_MAGIC;
  if (!isSkippable && magic !== FRAME_MAGIC) throw new Error("a frame does not begin as one");
  const end = isSkippable ? start + 8 + view.getUint32(start + 4, true) : blocksEnd(body, start + 4);
  if (end > body.length) throw new Error("a frame is cut off");
  return end;
}

function blocksEnd(body: Uint8Array, descriptorStart: number): number {
  const descriptor = body[descriptorStart]!;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >>> 6;
  const sizeBytes = sizeFlag === 0 && isSingleSegment ? 1 : CONTENT_SIZE_BYTES[sizeFlag]!;
  const windowBytes = isSingleSegment ? 0 : 1;
  let position = descriptorStart + 1 + windowBytes + DICTIONARY_ID_BYTES[descriptor & 3]! + sizeBytes;
  for (let isLast = false; !isLast;) {
    if (position + 3 > body.length) throw new Error("a frame is cut off");
    const header = body[position]! | (body[position + 1]! << 8) | (body[position + 2]! << 16);
    const type = (header >>> 1) & 3;
    if (type === RESERVED_BLOCK) throw new Error("a block has a reserved type");
    isLast = (header & 1) !== 0;
    position += 3 + (type === RLE_BLOCK ? 1 : header >>> 3);
  }
  const hasChecksum = (descriptor & 4) !== 0;
  return position + (hasChecksum ? 4 : 0);
}
