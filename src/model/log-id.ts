/**
 * The ids of log entries: `<number>-<number>`, as Redis Streams write them. Logs number their entries `1-0`, `2-0` and so on without a
 * gap; other forms come from those who write into a stream themselves. Both implementations use this form, so that ids
 * compare the same way wherever they come from.
 */

const ID_FORM = /^(\d{1,20})-(\d{1,20})$/;
const MAX_PART = 2n ** 64n - 1n;

/** The two numbers of an id. Throws a RangeError on text that is no id: ids come from a log, never from outside. */
export function parseLogId(id: string): readonly [bigint, bigint] {
  const match = ID_FORM.exec(id);
  const [high, low] = match ? [BigInt(match[1]!), BigInt(match[2]!)] : [-1n, -1n];
  if (high < 0n || high > MAX_PART || low > MAX_PART)
    throw new RangeError(`log id: expected <number>-<number> (got ${id})`);
  return [high, low];
}

/** Negative, zero or positive as `left` is older than, the same as or newer than `right`. Compares numbers, not text. */
export function compareLogIds(left: string, right: string): number {
  const [leftHigh, leftLow] = parseLogId(left);
  const [rightHigh, rightLow] = parseLogId(right);
  if (leftHigh !== rightHigh) return leftHigh < rightHigh ? -1 : 1;
  if (leftLow !== rightLow) return leftLow < rightLow ? -1 : 1;
  return 0;
}

/** The lowest id above `id`, or `undefined` when `id` is the highest there is. */
export function nextLogId(id: string): string | undefined {
  const [high, low] = parseLogId(id);
  if (low < MAX_PART) return `${high}-${low + 1n}`;
  return high < MAX_PART ? `${high + 1n}-0` : undefined;
}

/** The id that a log gives after this one: the next whole number. Throws a RangeError on text that is no id. */
export function followingEntryId(id: string): string {
  const number = Number(id.slice(0, id.indexOf("-")));
  // Numbers grow by one an entry and stay exact for longer than any log lives; what others wrote may be larger.
  return Number.isSafeInteger(number) ? `${number + 1}-0` : `${parseLogId(id)[0] + 1n}-0`;
}
