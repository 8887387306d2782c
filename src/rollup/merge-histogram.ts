/**
 * Before a commit reaches SQL: what a row's histogram becomes. Stored text is not parsed into objects: what a commit does
 * not touch is copied as it stands.
 */
import {
  histogramFromJson,
  histogramToJson,
  MAX_BUCKET_COUNT,
  MAX_LATENCY_INDEX,
  mergeHistogram,
  MIN_LATENCY_INDEX,
} from "../model/latency-histogram.ts";
import type { LatencyCounts } from "../model/latency-histogram.ts";
import { HistogramTextReader } from "./histogram-text-reader.ts";
import { HistogramTextWriter, MAX_PAIR_CHARACTERS } from "./histogram-text-writer.ts";

/** The stored form of a histogram that holds nothing: of a row that is not there yet. */
export const EMPTY_HISTOGRAM_JSON = "[]";

/**
 * The histogram to store: the stored text and what is added to it. `added` is left as it was. Throws as
 * `histogramFromJson` does on text that is not JSON.
 */
export function mergedHistogramJson(stored: string, added: LatencyCounts): string {
  return mergedText(stored, added) ?? mergedObjects(stored, added);
}

// Merging is synchronous and keeps nothing: these serve every row.
const SORTED_INDICES = new Int32Array(MAX_LATENCY_INDEX - MIN_LATENCY_INDEX + 1);
const COUNTS = new Float64Array(SORTED_INDICES.length);
const STORED = Buffer.alloc(SORTED_INDICES.length * MAX_PAIR_CHARACTERS);
// Every pair that was stored and every pair that is added.
const WRITTEN = Buffer.alloc(2 * STORED.length);

function mergedText(stored: string, added: LatencyCounts): string | undefined {
  const length = STORED.write(stored);
  if (length !== stored.length || length === STORED.length) return undefined;
  STORED[length] = 0;
  const indices = sortedIndices(added);
  if (indices === undefined) return undefined;
  const reader = new HistogramTextReader(STORED, length);
  const writer = new HistogramTextWriter(WRITTEN);
  let copied = 0;
  let position = 0;
  let pairs = 0;
  for (; reader.next(); pairs += 1) {
    for (; position < indices.length && indices[position]! < reader.index; position += 1) {
      writer.copy(STORED, copied, reader.pairStart);
      writer.pair(indices[position]!, COUNTS[indices[position]! - MIN_LATENCY_INDEX]!);
      writer.comma();
      copied = reader.pairStart;
    }
    if (position < indices.length && indices[position] === reader.index) {
      writer.copy(STORED, copied, reader.countStart);
      writer.whole(Math.min(MAX_BUCKET_COUNT, reader.count + COUNTS[indices[position++]! - MIN_LATENCY_INDEX]!));
      copied = reader.countEnd;
    }
  }
  if (!reader.complete) return undefined;
  if (copied === 0 && position === indices.length) return stored;
  writer.copy(STORED, copied, length - 1);
  for (; position < indices.length; position += 1) {
    if (pairs++ > 0) writer.comma();
    writer.pair(indices[position]!, COUNTS[indices[position]! - MIN_LATENCY_INDEX]!);
  }
  writer.close();
  return writer.text();
}

function sortedIndices(added: LatencyCounts): Int32Array | undefined {
  let length = 0;
  let last = MIN_LATENCY_INDEX - 1;
  let sorted = true;
  added.forEach((count, index) => {
    if (count === 0) return;
    sorted &&= index > last;
    last = index;
    SORTED_INDICES[length++] = index;
    COUNTS[index - MIN_LATENCY_INDEX] = count;
  });
  if (length > SORTED_INDICES.length) return undefined;
  const indices = SORTED_INDICES.subarray(0, length);
  return sorted ? indices : indices.sort();
}

// Text that we did not write, or not in this form: read as JSON, which throws on what is none.
function mergedObjects(stored: string, added: LatencyCounts): string {
  const merged = histogramFromJson(stored);
  mergeHistogram(merged, added);
  return histogramToJson(merged);
}
