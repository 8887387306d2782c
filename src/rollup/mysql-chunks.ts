/**
 * Sizes of multi-row statements. A prepared statement is made for a number of rows: few sizes are few statements.
 */

/** Rows of totals in one INSERT: below the 65,535 placeholders of the protocol with every column of the widest table. */
export const MAX_ROWS_PER_INSERT = 1000;

/** Keys in one SELECT: MariaDB turns longer lists into a join with a temporary table. */
export const MAX_KEYS_PER_SELECT = 500;

/** Bytes of blobs in one INSERT, unless a single row has more: far below the smallest usual `max_allowed_packet`. */
export const MAX_BYTES_PER_INSERT = 4_194_304;

/**
 * Cuts rows into chunks of at most `maxRows`; the last is filled up with `padding(last row)` to the next power of two.
 */
export function paddedChunks<T>(
  rows: readonly T[],
  maxRows: number,
  padding: (last: T) => T,
): readonly (readonly T[])[] {
  return chunksOf(rows, maxRows).map((chunk) => {
    const last = chunk.at(-1);
    const size = Math.min(maxRows, 2 ** Math.ceil(Math.log2(chunk.length)));
    if (last === undefined || size === chunk.length) return chunk;
    return [...chunk, ...Array.from({ length: size - chunk.length }, () => padding(last))];
  });
}

/** Cuts rows into chunks of at most `maxRows` rows and `maxBytes` bytes, but at least one row. */
export function chunksOf<T>(
  rows: readonly T[],
  maxRows: number,
  maxBytes: number = Number.POSITIVE_INFINITY,
  bytesOf: (row: T) => number = () => 0,
): readonly (readonly T[])[] {
  const chunks: T[][] = [];
  let bytes = 0;
  for (const row of rows) {
    const rowBytes = bytesOf(row);
    const chunk = chunks.at(-1);
    if (chunk === undefined || chunk.length === maxRows || bytes + rowBytes > maxBytes) {
      chunks.push([row]);
      bytes = rowBytes;
    } else {
      chunk.push(row);
      bytes += rowBytes;
    }
  }
  return chunks;
}
