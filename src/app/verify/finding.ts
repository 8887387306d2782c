/**
 * What a check of `verify` finds: a line like `doctor`'s, and the first of what is wrong.
 */
import { fail, ok, type Check } from "../doctor/check.ts";

/** One line of the report, and the lines below it. */
export interface Finding extends Check {
  /** The first of what is wrong, one sentence each. */
  readonly examples: readonly string[];
}

/** Differences shown of each check. */
export const MAX_EXAMPLES = 10;

/** A check without examples. */
export function plain(check: Check): Finding {
  return { ...check, examples: [] };
}

/** Fine when nothing was found, else failed with how much there is and the first of it. */
export function found(subject: string, { count, fine, faulty, examples }: FoundFaults): Finding {
  return count === 0 ? plain(ok(subject, fine)) : { ...fail(subject, faulty), examples };
}

/** What was found, and what to say in either case. */
export interface FoundFaults {
  readonly count: number;
  readonly fine: string;
  readonly faulty: string;
  readonly examples: readonly string[];
}

/** A time for a person, from epoch seconds. */
export function timeText(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}

/** A number with its noun. */
export function counted(count: number, noun: string, plural: string = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}
